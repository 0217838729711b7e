//! Attacks that need more than one step inside.

use crate::prove::agent_stories as agent;
use crate::prove::attack::{Attack, story};
use crate::prove::log_stories as log;
use crate::prove::scenario as tell;
use crate::prove::told_stories as told;
use crate::prove::tree_stories as tree;
use crate::prove::undo_stories as undo;
use crate::prove::vetting_stories as vetting;

pub(super) static ATTACKS: &[Attack] = &[
    story(1, "roots.whole-home", "make the whole home the workspace", tell::whole_home).escapes(&[1, 2]),
    story(1, "roots.system", "make the root directory the workspace", tell::whole_system).escapes(&[1, 2]),
    story(7, "commands.denied", "run a command that a rule denies", tell::command_rule).escapes(&[13]),
    story(7, "commands.quoted", "hide a denied command in quotes and escapes", vetting::quoting)
        .escapes(&[18, 29]),
    story(7, "commands.expanded", "hide it in variables, braces and separators", vetting::expansion)
        .escapes(&[29, 51, 59]),
    story(
        7,
        "commands.substituted",
        "hide it in substitutions, functions and conditions",
        vetting::compounds,
    )
    .escapes(&[18, 30, 47, 64, 73]),
    story(7, "commands.launched", "start it through programs that start others", vetting::launchers)
        .escapes(&[26, 66, 68, 87]),
    story(7, "commands.nested", "start it through shells inside shells", vetting::shells).escapes(&[31, 62]),
    story(7, "commands.environment", "start it through a variable that programs run", vetting::environment)
        .escapes(&[72, 86]),
    story(14, "refused.virtual-machine", "run where the policy wants a virtual machine", tell::machine_rule)
        .escapes(&[30]),
    story(16, "policy.writable", "run with a policy file that everybody may write", tell::writable_policy)
        .escapes(&[10, 63]),
    story(
        8,
        "environment.trusted-project",
        "set what programs run by the policy of a trusted project",
        tell::trusted_variables,
    )
    .escapes(&[22, 35, 86]),
    story(14, "policy.invalid", "run with a policy that has a mistake", tell::invalid_policy)
        .escapes(&[3, 33]),
    story(21, "crash.killed", "outlive the broker", tell::killed_broker),
    story(21, "residue.tree", "leave something behind on the host", tell::residue),
    story(22, "cost.tree", "make the start slow by a large tree", tell::cost_of_tree),
    story(
        19,
        "shown.control-characters",
        "change the terminal by a file name in a message",
        tell::control_characters,
    )
    .escapes(&[64, 67]),
    story(4, "agent.settings", "change what an agent keeps below the home", agent::settings).namespaces(),
    story(4, "agent.kept-hooks", "plant hooks in what is kept for an agent", agent::hooks).namespaces(),
    story(2, "agent.kept-links", "lead the broker elsewhere by links in what is kept", agent::links)
        .namespaces(),
    story(12, "agent.kept-of-others", "read what is kept for another agent", agent::others).namespaces(),
    story(23, "agent.kept-size", "fill the disk with what is kept", agent::size).namespaces(),
    story(1, "agent.kept-rules", "get more rights by what is kept", agent::rules).namespaces(),
    story(17, "log.home", "read, change and remove the log where it usually is", log::in_home).escapes(&[2]),
    story(17, "log.workspace", "the same where the workspace lies around it", log::in_workspace).namespaces(),
    story(17, "log.forged", "write what looks like records of the log", log::forged),
    story(17, "log.flooded", "fill the log, so that nothing more is recorded", log::flooded),
    story(14, "log.lost", "run on when the log that the policy requires is lost", log::lost),
    story(11, "log.hidden-reads", "read a hidden file by other names, and leave no trace", log::hidden_reads)
        .namespaces(),
    story(11, "reads.told", "read what the view does not show, and leave no trace", told::hidden_names)
        .namespaces(),
    story(
        11,
        "reads.in-sight",
        "use what is hidden in a directory that is shown, and leave no trace",
        told::hidden_in_sight,
    )
    .namespaces(),
    story(11, "reads.flooded", "look for so many names that one more is not told", told::flooded)
        .namespaces(),
    story(
        17,
        "reads.silenced",
        "silence what tells of reads: unmount it, end it, speak in its name",
        told::silenced,
    )
    .namespaces(),
    story(19, "reads.escapes", "change the terminal by the name of a hidden file", told::escapes)
        .namespaces(),
    story(19, "log.escapes", "change the terminal of whoever reads the log", log::escapes).escapes(&[64, 67]),
    story(23, "limits.processes", "start more processes than allowed", tell::too_many_processes),
    story(23, "limits.memory", "use more memory than allowed", tell::too_much_memory),
    story(23, "limits.cpu", "use more processors than allowed", tell::too_many_processors),
    story(23, "limits.time", "run longer than allowed", tell::too_long),
    story(23, "limits.file", "write a larger file than allowed", tell::too_large),
    story(2, "layer.untouched", "change the workspace through a layer", undo::untouched).namespaces(),
    story(5, "layer.forged-marks", "forge the kernel's marks in a layer", undo::forged_marks).namespaces(),
    story(4, "layer.trusted", "bring in what the host trusts by a layer", undo::trusted).namespaces(),
    story(5, "layer.swapped", "swap a directory for a link while a layer is applied", undo::swapped_apply)
        .namespaces(),
    story(5, "undo.swapped", "swap a directory for a link while undo works", undo::swapped_undo),
    story(
        2,
        "layer.running",
        "change the workspace by applying a layer that is being written",
        tree::running,
    )
    .namespaces(),
    story(14, "layer.deep", "keep a layer from being applied by a tree without end", tree::deep_layer)
        .namespaces(),
    story(22, "layer.many", "make applying a layer slow by many files", tree::many_files).namespaces(),
    story(14, "undo.deep", "keep what was done from being undone by a tree without end", tree::deep_undo),
    story(17, "log.descriptors", "write records of the log to every descriptor", log::descriptors),
    story(4, "git.planted", "plant a bare repository unseen", tell::planted_repository).escapes(&[53]),
];
