//! Vectors of the access check. Each table names where its facts come from.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod windows_vectors;

use garth_plan::windows::{AccessMask, ObjectKind, check};
use windows_vectors::{descriptor, request, rights, token};

/// Token, descriptor, what is asked, and what is granted: `=` for all of it, `no` for nothing, else rights.
type Vector = (&'static str, &'static str, &'static str, &'static str);

fn hold(kind: ObjectKind, vectors: &[Vector]) {
    let mut wrong = Vec::new();
    for (words, text, desired, expected) in vectors {
        let (token, backup) = token(words);
        let object = descriptor(text);
        let answer = check(&token, &object, kind, request(desired, backup)).unwrap();
        let expected_mask = match *expected {
            "no" => AccessMask::NONE,
            "=" => kind.mapping().map(rights(desired)),
            other => kind.mapping().map(rights(other)),
        };
        if answer.granted != expected_mask || answer.allowed == expected_mask.is_empty() {
            let why = answer.why(&object).join("\n  ");
            wrong.push(format!(
                "[{words}] {text} {desired}: {}, expected {expected}\n  {why}",
                answer.granted
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong\n{}", wrong.len(), vectors.len(), wrong.join("\n"));
}

/// "How DACLs control access to an object", "Null DACLs and empty DACLs", "Order of ACEs in a DACL" in Microsoft's
/// documentation; MS-DTYP 2.5.3.2.
#[test]
fn ordered_entries() {
    // The example of the documentation: Andrew is refused all; Jane is of group A; a third is neither.
    let example = "D:(D;;GRGWGX;;;%U)(A;;GW;;;BG)(A;;GRGX;;;WD)";
    let jane = "D:(D;;GRGWGX;;;%A)(A;;GW;;;BG)(A;;GRGX;;;WD)";
    hold(
        ObjectKind::File,
        &[
            ("+BG", example, "GR", "no"),
            ("+BG", example, "GW", "no"),
            ("+BG", example, "MAX", "no"),
            ("+BG", jane, "GW", "="),
            ("+BG", jane, "GRGWGX", "="),
            ("", jane, "GRGX", "="),
            ("", jane, "GW", "no"),
            ("", jane, "GRGW", "no"),
            // No DACL lets everybody in; an empty one nobody.
            ("", "D:NO_ACCESS_CONTROL", "GA", "="),
            ("", "", "GA", "="),
            ("", "D:NO_ACCESS_CONTROL", "MAX", "FA"),
            ("", "D:", "GR", "no"),
            ("", "D:", "MAX", "no"),
            // The order decides.
            ("", "D:(A;;GR;;;WD)(D;;GR;;;%U)", "GR", "="),
            ("", "D:(D;;GR;;;%U)(A;;GR;;;WD)", "GR", "no"),
            ("", "D:(A;;0x1;;;WD)(D;;0x3;;;WD)(A;;0x2;;;WD)", "0x1", "="),
            ("", "D:(A;;0x1;;;WD)(D;;0x3;;;WD)(A;;0x2;;;WD)", "0x3", "no"),
            ("", "D:(A;;0x1;;;WD)(D;;0x3;;;WD)(A;;0x6;;;WD)", "MAX", "0x5"),
            // Rights may come from several entries.
            ("", "D:(A;;0x1;;;WD)(A;;0x2;;;BU)(A;;0x4;;;%U)", "0x7", "="),
            ("", "D:(A;;0x1;;;WD)(A;;0x2;;;BA)(A;;0x4;;;%U)", "0x7", "no"),
            ("", "D:(A;;0x1;;;WD)(A;;0x2;;;BA)(A;;0x4;;;%U)", "MAX", "0x5"),
            // Inherit-only entries say nothing about the object.
            ("", "D:(A;OICIIO;GA;;;WD)", "GR", "no"),
            ("", "D:(D;OICIIO;GA;;;WD)(A;OICI;GR;;;WD)", "GR", "="),
            ("", "D:(A;OICIID;GR;;;WD)", "GR", "="),
            // Creator owner is nobody in a check.
            ("", "O:%UD:(A;;GA;;;CO)", "GR", "no"),
            // Self stands for nobody without a principal.
            ("", "D:(A;;GA;;;PS)", "GR", "no"),
            // Deny-only groups refuse and do not grant; disabled ones do neither.
            ("-BA", "D:(A;;GA;;;BA)", "GR", "no"),
            ("-BA", "D:(D;;0x2;;;BA)(A;;GA;;;WD)", "GW", "no"),
            ("-BA", "D:(D;;0x2;;;BA)(A;;GA;;;WD)", "GR", "="),
            ("~BA", "D:(D;;0x2;;;BA)(A;;GA;;;WD)", "GW", "="),
            ("~BA", "D:(A;;GA;;;BA)", "GR", "no"),
            ("user-deny", "D:(A;;GA;;;%U)", "GR", "no"),
            ("user-deny", "D:(D;;GW;;;%U)(A;;GA;;;WD)", "GW", "no"),
            // Asking for nothing opens nothing.
            ("", "D:(A;;GA;;;WD)", "0x0", "no"),
            // The maximum with something named: all or nothing for what is named.
            ("", "D:(A;;0x5;;;WD)", "MAX0x1", "0x5"),
            ("", "D:(A;;0x5;;;WD)", "MAX0x2", "no"),
        ],
    );
}

/// MS-DTYP 2.5.3.2; "Windows Security Internals", listings 7-13 to 7-16 (measured there on a mutex).
#[test]
fn owners_and_privileges() {
    hold(
        ObjectKind::Mutex,
        &[
            // Everyone owns it, and the DACL is empty.
            ("", "O:WDG:WDD:", "MAX", "RCWD"),
            ("", "O:WDG:WDD:(A;;0x1;;;OW)", "MAX", "0x1"),
            ("", "O:%UD:", "RCWD", "="),
            ("", "O:%UD:", "RCWDSD", "no"),
            ("", "O:%UD:(D;;RCWD;;;WD)", "RCWD", "="),
            ("", "O:%UD:(A;;RC;;;OW)", "MAX", "RC"),
            ("", "O:%UD:(A;;;;;OW)", "MAX", "no"),
            ("", "O:%UD:(D;;WD;;;OW)(A;;GA;;;WD)", "WD", "no"),
            ("", "O:%UD:(A;IOOI;RC;;;OW)", "RCWD", "="),
            ("", "O:SYD:(A;;GA;;;OW)", "MAX", "no"),
            ("user-deny", "O:%UD:", "MAX", "no"),
            ("user-deny", "O:%UD:(D;;GA;;;OW)(A;;GA;;;WD)", "MAX", "GA"),
            ("-BA", "O:BAD:", "RC", "no"),
            ("+BA", "O:BAD:", "RCWD", "="),
            // Nobody owns it; the privilege gives taking ownership.
            ("priv=TakeOwnership", "O:S-1-0-0D:", "WO", "="),
            ("has=TakeOwnership", "O:S-1-0-0D:", "WO", "no"),
            ("", "O:S-1-0-0D:", "WO", "no"),
            ("priv=TakeOwnership", "O:S-1-0-0D:", "WOWD", "no"),
            ("priv=TakeOwnership", "O:S-1-0-0D:", "MAX", "no"),
            ("priv=Relabel", "O:S-1-0-0D:", "WO", "="),
            // The SACL is open to a privilege alone.
            ("priv=Security", "O:SYD:", "SYSTEM", "="),
            ("has=Security", "O:SYD:", "SYSTEM", "no"),
            ("", "O:SYD:(A;;0x11f0001;;;WD)", "SYSTEM", "no"),
            ("priv=Security", "O:SYD:(A;;GA;;;WD)", "MAX", "GA"),
        ],
    );
}

/// "Privilege constants": what backing up and restoring give on a file that is opened for it.
#[test]
fn backup_and_restore() {
    hold(
        ObjectKind::File,
        &[
            ("priv=Backup backup", "D:", "GR", "="),
            ("priv=Backup backup", "D:", "0x20", "="),
            ("priv=Backup backup", "D:", "SYSTEM", "="),
            ("priv=Backup backup", "D:", "0x2", "no"),
            ("priv=Backup", "D:", "GR", "no"),
            ("has=Backup backup", "D:", "GR", "no"),
            ("priv=Restore backup", "D:", "GWSDWDWO", "="),
            ("priv=Restore backup", "D:(D;;GA;;;WD)", "GW", "="),
            ("priv=Restore backup", "D:", "0x1", "no"),
            ("priv=Restore backup ac", "D:", "GW", "no"),
        ],
    );
}

/// MS-DTYP 2.5.3.3, "Mandatory integrity control"; "Windows Security Internals", listings 7-10 and 7-11 (measured
/// there on a mutex).
#[test]
fn labels() {
    hold(
        ObjectKind::Mutex,
        &[
            ("il=S-1-16-0", "D:(A;;GA;;;WD)S:(ML;;NW;;;S-1-16-0)", "MAX", "GA"),
            // Without a label the object is medium: modify state, read the DACL, synchronize.
            ("il=S-1-16-0", "D:(A;;GA;;;WD)", "MAX", "0x120001"),
        ],
    );
    hold(
        ObjectKind::File,
        &[
            ("il=LW", "D:(A;;GA;;;WD)", "GRGX", "="),
            ("il=LW", "D:(A;;GA;;;WD)", "GW", "no"),
            ("il=LW", "D:(A;;GA;;;WD)", "SD", "no"),
            ("il=LW", "D:(A;;GA;;;WD)", "WD", "no"),
            ("il=LW", "D:(A;;GA;;;WD)", "0x40", "no"),
            ("il=LW", "O:%UD:", "WD", "no"),
            ("il=LW", "O:%UD:", "RC", "="),
            ("il=LW", "D:NO_ACCESS_CONTROL", "GW", "no"),
            ("il=LW", "D:NO_ACCESS_CONTROL", "GR", "="),
            ("il=LW", "D:(A;;GA;;;WD)S:(ML;;NW;;;LW)", "GA", "="),
            ("il=LW", "D:(A;;GA;;;WD)S:(ML;OICIIO;NW;;;LW)", "GW", "no"),
            ("il=ME", "D:(A;;GA;;;WD)S:(ML;;NW;;;HI)", "GW", "no"),
            ("il=ME", "D:(A;;GA;;;WD)S:(ML;;NW;;;HI)", "GR", "="),
            ("il=ME", "D:(A;;GA;;;WD)S:(ML;;NR;;;HI)", "0x1", "no"),
            ("il=ME", "D:(A;;GA;;;WD)S:(ML;;NR;;;HI)", "0x2", "="),
            ("il=ME", "D:(A;;GA;;;WD)S:(ML;;NX;;;HI)", "0x20", "no"),
            ("il=ME", "D:(A;;GA;;;WD)S:(ML;;NWNRNX;;;HI)", "MAX", "no"),
            ("il=HI", "D:(A;;GA;;;WD)S:(ML;;NWNRNX;;;HI)", "GA", "="),
            ("il=SI", "D:(A;;GA;;;WD)S:(ML;;NWNRNX;;;HI)", "GA", "="),
            ("il=MP", "D:(A;;GA;;;WD)S:(ML;;NW;;;ME)", "GA", "="),
            ("il=ME", "D:(A;;GA;;;WD)S:(ML;;NW;;;MP)", "GW", "no"),
            ("il=LW labels-off", "D:(A;;GA;;;WD)S:(ML;;NWNRNX;;;HI)", "GA", "="),
            // The first label counts.
            ("il=LW", "D:(A;;GA;;;WD)S:(ML;;NW;;;LW)(ML;;NW;;;HI)", "GW", "="),
            // Privileges come after the label, but for the one that changes labels and those of backup.
            ("il=LW priv=TakeOwnership", "D:", "WO", "no"),
            ("il=LW priv=Relabel", "D:", "WO", "="),
            ("il=LW priv=Security", "D:", "SYSTEM", "no"),
            ("il=LW priv=Restore backup", "D:", "GW", "="),
        ],
    );
    // A process is opened for reading its memory unless its label says no.
    hold(
        ObjectKind::Process,
        &[
            ("il=LW", "D:(A;;GA;;;%U)S:(ML;;NW;;;ME)", "0x10", "="),
            ("il=LW", "D:(A;;GA;;;%U)S:(ML;;NWNR;;;ME)", "0x10", "no"),
            ("il=LW", "D:(A;;GA;;;%U)S:(ML;;NWNR;;;ME)", "0x20", "no"),
            ("il=LW", "D:(A;;GA;;;%U)S:(ML;;NWNR;;;ME)", "0x1000", "="),
        ],
    );
}

/// "Restricted tokens" in Microsoft's documentation; "Windows Security Internals", listings 7-19 to 7-21.
#[test]
fn restricting_sids() {
    hold(
        ObjectKind::File,
        &[
            ("restrict=RC", "D:(A;;GA;;;%U)", "GR", "no"),
            ("restrict=RC", "D:(A;;GA;;;RC)", "GR", "no"),
            ("restrict=RC", "D:(A;;GA;;;%U)(A;;GR;;;RC)", "GR", "="),
            ("restrict=RC", "D:(A;;GA;;;%U)(A;;GR;;;RC)", "MAX", "FR"),
            ("restrict=RC restrict=WD", "D:(A;;GR;;;WD)", "GR", "="),
            // Denials for a restricting SID count, even where it is no group.
            ("restrict=RC restrict=WD", "D:(D;;0x2;;;RC)(A;;GA;;;WD)", "GW", "no"),
            // Owning counts if the owner is a restricting SID too.
            ("restrict=RC", "O:%UD:", "RC", "no"),
            ("restrict=%U", "O:%UD:", "RCWD", "="),
            ("restrict=%U", "O:%UD:(A;;RC;;;OW)", "MAX", "RC"),
            ("restrict=RC", "O:%UD:(A;;GR;;;OW)(A;;GA;;;RC)", "GR", "no"),
            ("restrict=%U", "O:%UD:(A;;GR;;;OW)(A;;GA;;;RC)", "GR", "="),
            // Who is no owner in both lists is not spoken to, and not refused, by entries for owner rights.
            ("", "O:%UD:(D;;GW;;;OW)(A;;GA;;;WD)", "GW", "no"),
            ("restrict=WD", "O:%UD:(D;;GW;;;OW)(A;;GA;;;WD)", "GW", "="),
            // No DACL, no second pass.
            ("restrict=RC", "D:NO_ACCESS_CONTROL", "GA", "="),
            ("restrict=RC priv=TakeOwnership", "D:", "WO", "="),
        ],
    );
}

/// "CreateRestrictedToken": restricting SIDs are considered for write access alone. Which rights these are: public
/// listings of the kernel's check, see `docs/windows-model.md`.
#[test]
fn write_restriction() {
    hold(
        ObjectKind::File,
        &[
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)", "GRGX", "="),
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)", "GW", "no"),
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)", "0x2", "no"),
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)", "0x4", "no"),
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)", "0x10", "no"),
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)", "0x100", "no"),
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)", "SD", "no"),
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)", "WD", "no"),
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)", "WO", "no"),
            // What a write restriction does not see: deleting what lies in a directory.
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)", "0x40", "="),
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)", "MAX", "0x1200e9"),
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)(A;;0x1301bf;;;%W)", "GRGWSD", "="),
            ("write-restrict restrict=%W", "D:(A;;0x1301bf;;;%W)", "GW", "no"),
            ("write-restrict restrict=%W", "O:%UD:(A;;GA;;;%U)", "WD", "no"),
        ],
    );
    // For a key creating a subkey counts as writing; for a process writing memory does, reading it does not.
    hold(
        ObjectKind::Key,
        &[
            ("write-restrict restrict=%W", "D:(A;;KA;;;%U)", "0x4", "no"),
            ("write-restrict restrict=%W", "D:(A;;KA;;;%U)", "KR", "="),
            ("write-restrict restrict=%W", "D:(A;;KA;;;%U)", "0x20", "="),
        ],
    );
    hold(
        ObjectKind::Process,
        &[
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)", "0x20", "no"),
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)", "0x10", "="),
            ("write-restrict restrict=%W", "D:(A;;GA;;;%U)", "0x1", "="),
        ],
    );
}

/// "Windows Security Internals", "Lowbox tokens" (listings 7-22 to 7-24, measured there on a mutex); "Implementing an
/// AppContainer" in Microsoft's documentation.
#[test]
fn app_containers() {
    let both = "O:BAG:BAD:(A;;GA;;;WD)(A;;GA;;;AC)S:(ML;;NW;;;ME)";
    let default = "O:%UD:(A;;GA;;;%U)(A;;GA;;;SY)(A;;0x120001;;;%L)(A;;GA;;;%P)S:(ML;;NW;;;LW)";
    hold(
        ObjectKind::Mutex,
        &[
            // A low token gets reading alone; an AppContainer, as low, everything.
            ("il=LW", both, "MAX", "0x120001"),
            ("ac", both, "MAX", "GA"),
            // The default DACL of an AppContainer shuts out low tokens that are none.
            ("ac +%L", default, "MAX", "GA"),
            ("il=LW +%L", default, "MAX", "no"),
            ("+%L", default, "MAX", "GA"),
        ],
    );
    hold(
        ObjectKind::File,
        &[
            // Both the user and the package must be granted it.
            ("ac", "D:(A;;GA;;;%U)", "GR", "no"),
            ("ac", "D:(A;;GA;;;%P)", "GR", "no"),
            ("ac", "D:(A;;GA;;;%U)(A;;GR;;;%P)", "GR", "="),
            ("ac", "D:(A;;GA;;;%U)(A;;GR;;;%P)", "MAX", "FR"),
            ("ac", "D:(A;;GR;;;WD)(A;;GA;;;AC)", "MAX", "FR"),
            ("ac", "D:(A;;GA;;;WD)(A;;GA;;;%Q)", "GR", "no"),
            // Only allow entries speak to a package; denials for the user's SIDs count as ever.
            ("ac", "D:(D;;GA;;;%P)(A;;GA;;;%U)(A;;GR;;;%P)", "GR", "="),
            ("ac", "D:(D;;GA;;;AC)(A;;GA;;;%U)(A;;GR;;;%P)", "GR", "="),
            ("ac", "D:(D;;0x2;;;%U)(A;;GA;;;%U)(A;;GA;;;%P)", "GW", "no"),
            ("ac", "D:(A;;GA;;;%P)(D;;0x2;;;WD)(A;;GA;;;%U)", "GW", "no"),
            // Capabilities.
            (
                "ac cap=registryRead",
                "D:(A;;GA;;;WD)(A;;GR;;;S-1-15-3-1024-1065365936-1281604716-3511738428-1654721687-432734479-3232135806-4053264122-3456934681)",
                "GR",
                "=",
            ),
            ("ac cap=internetClient", "D:(A;;GA;;;WD)(A;;GR;;;S-1-15-3-1)", "GR", "="),
            ("ac cap=internetClient", "D:(A;;GA;;;WD)(A;;GR;;;S-1-15-3-2)", "GR", "no"),
            ("ac", "D:(A;;GA;;;WD)(A;;GR;;;S-1-15-3-1)", "GR", "no"),
            ("ac", "D:(A;;GA;;;WD)(A;;GR;;;S-1-15-2-2)", "GR", "="),
            // The less privileged ones are only among the restricted packages.
            ("lpac", "D:(A;;GA;;;WD)(A;;GR;;;AC)", "GR", "no"),
            ("lpac", "D:(A;;GA;;;WD)(A;;GR;;;S-1-15-2-2)", "GR", "="),
            ("lpac", "D:(A;;GA;;;WD)(A;;GR;;;%P)", "GR", "="),
            // No DACL gives an AppContainer nothing.
            ("ac", "D:NO_ACCESS_CONTROL", "GR", "no"),
            ("ac", "", "MAX", "no"),
            ("ac", "O:%UD:NO_ACCESS_CONTROL", "RC", "no"),
            // Neither does owning the object.
            ("ac", "O:%UD:", "RC", "no"),
            ("ac", "O:%UD:(A;;RC;;;%P)", "RC", "="),
            ("ac", "O:%UD:(A;;WD;;;%P)", "MAX", "WD"),
            ("ac", "O:%UD:(A;;GA;;;OW)(A;;GR;;;AC)", "MAX", "FR"),
            // Labels of medium and below do not count; higher ones do.
            ("ac", "D:(A;;GA;;;WD)(A;;GA;;;AC)", "GW", "="),
            ("ac", "D:(A;;GA;;;WD)(A;;GA;;;AC)S:(ML;;NWNR;;;ME)", "GA", "="),
            ("ac", "D:(A;;GA;;;WD)(A;;GA;;;AC)S:(ML;;NW;;;MP)", "GW", "no"),
            ("ac", "D:(A;;GA;;;WD)(A;;GA;;;AC)S:(ML;;NW;;;HI)", "GR", "="),
            // Privileges do not help.
            ("ac priv=TakeOwnership", "D:", "WO", "no"),
            ("ac priv=Security", "D:(A;;GA;;;WD)(A;;GA;;;AC)", "SYSTEM", "no"),
            // A restricted AppContainer needs all three.
            ("ac restrict=RC", "D:(A;;GA;;;WD)(A;;GA;;;AC)", "GR", "no"),
            ("ac restrict=RC", "D:(A;;GA;;;WD)(A;;GA;;;AC)(A;;GR;;;RC)", "GR", "="),
            // Low tokens that are no AppContainer, and lists that name packages.
            ("il=LW", "D:(A;;GA;;;WD)(A;;GA;;;%Q)S:(ML;;NW;;;LW)", "GR", "no"),
            ("il=LW", "D:(A;;GA;;;WD)(A;;GA;;;%Q)(A;;GR;;;AC)S:(ML;;NW;;;LW)", "MAX", "FR"),
            ("il=LW", "D:(A;;GA;;;WD)(A;;GA;;;AC)S:(ML;;NW;;;LW)", "GA", "="),
        ],
    );
}

/// Mistakes of published sandboxes, as the research into them found them: issue and pull-request threads of
/// Gitlawb/zero (#808, #865, #869), openai/codex (#31138, #20270), nodejs/node (#63590), FerroxLabs/wayland-core
/// (#415), and the tests that come with anthropics/sandbox-runtime.
#[test]
fn mistakes_of_published_sandboxes() {
    hold(
        ObjectKind::Directory,
        &[
            // Everyone among the restricting SIDs opens whatever everyone may write (zero #865).
            ("write-restrict restrict=%W restrict=WD", "D:(A;;GA;;;WD)", "GW", "="),
            ("write-restrict restrict=%W", "D:(A;;GA;;;WD)", "GW", "no"),
            // Who is among them by the account's own SID may write the whole profile (zero #808).
            ("write-restrict restrict=%W restrict=%U", "O:%UD:(A;;FA;;;%U)", "GWWD", "="),
            ("write-restrict restrict=%W", "O:%UD:(A;;FA;;;%U)", "GW", "no"),
            // A token restricted for everything cannot read programs that Users may read (zero #869).
            ("restrict=%W restrict=WD", "D:(A;;0x1200a9;;;BU)", "GRGX", "no"),
            ("restrict=%W restrict=BU", "D:(A;;0x1200a9;;;BU)", "GRGX", "="),
            // Denying the sandbox's SID alone leaves the account free: a token without the restriction passes.
            ("", "D:(D;;FW;;;%W)(A;;FA;;;%U)(A;;FA;;;%W)", "0x2", "="),
            ("write-restrict restrict=%W", "D:(D;;FW;;;%W)(A;;FA;;;%U)(A;;FA;;;%W)", "0x2", "no"),
            // A parent whose children may be deleted gives what the child denies (codex #31138).
            ("write-restrict restrict=%W", "D:(A;;FA;;;%U)(A;;0x1201ff;;;%W)", "0x40", "="),
            // A temporary directory that a program made for its user alone shuts the sandbox out.
            ("write-restrict restrict=%W", "O:%UD:P(A;OICI;FA;;;%U)", "0x2", "no"),
            ("ac", "O:%UD:P(A;OICI;FA;;;%U)", "0x1", "no"),
            // Places that Users may write into, on an ordinary machine.
            ("write-restrict restrict=%W restrict=BU", "D:(A;CI;0x6;;;BU)", "0x2", "="),
            ("ac", "D:(A;CI;0x6;;;BU)", "0x2", "no"),
            // A label of low on the workspace opens it to every low process, not to one sandbox.
            ("il=LW", "D:(A;;FA;;;%U)S:(ML;OICI;NW;;;LW)", "0x2", "="),
            // An installed Node without an entry for packages cannot be started in an AppContainer (node #63590).
            ("ac", "D:(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;BU)", "0x20", "no"),
            ("ac", "D:(A;;FA;;;SY)(A;;0x1200a9;;;BU)(A;;0x1200a9;;;AC)", "GRGX", "="),
            ("lpac", "D:(A;;FA;;;SY)(A;;0x1200a9;;;BU)(A;;0x1200a9;;;AC)", "0x20", "no"),
            // An administrator's group that is only deny-only in the sandbox.
            ("-BA", "D:(A;;FA;;;BA)", "0x1", "no"),
        ],
    );
    // The default DACL of a process gives its logon session reading of memory and terminating.
    let process = "O:%UD:(A;;GA;;;%U)(A;;GA;;;SY)(A;;0x121411;;;%L)";
    hold(
        ObjectKind::Process,
        &[
            ("user-deny +%L", process, "0x10", "="),
            ("user-deny -%L", process, "0x10", "no"),
            ("write-restrict restrict=%W +%L", process, "0x410", "="),
            ("write-restrict restrict=%W +%L", process, "0x80", "no"),
            ("ac +%L", process, "0x10", "no"),
            ("restrict=%W +%L", process, "0x10", "no"),
            // A process of the same account that nobody hardened can be the parent of another.
            ("", "O:%UD:(A;;GA;;;%U)", "0x80", "="),
            ("", "O:%UD:(A;;0x1000;;;%U)(A;;;;;OW)", "LOWD", "no"),
        ],
    );
    hold(
        ObjectKind::Pipe,
        &[
            // Ninja's pipe, made with the default DACL of its user, hung in a write-restricted token (codex #20270).
            ("write-restrict restrict=%W", "O:%UD:(A;;GA;;;%U)(A;;GA;;;SY)(A;;GR;;;WD)", "GRGW", "no"),
            ("write-restrict restrict=%W restrict=%U", "O:%UD:(A;;GA;;;%U)(A;;GR;;;WD)", "GRGW", "="),
            // A pipe for its user alone is out of reach of the AppContainer of that user.
            ("ac", "O:%UD:(A;;GA;;;%U)", "GRGW", "no"),
        ],
    );
    hold(
        ObjectKind::Desktop,
        &[
            ("ac +%L", "O:%UD:(A;;GA;;;%L)(A;;GA;;;SY)", "0x1", "no"),
            ("restrict=%W +%L", "O:%UD:(A;;GA;;;%L)", "0x80", "no"),
            ("+%L", "O:%UD:(A;;GA;;;%L)", "0x80", "="),
        ],
    );
    hold(
        ObjectKind::Job,
        &[("ac", "O:%UD:(A;;GA;;;%U)", "0x1", "no"), ("", "O:%UD:(A;;0x4;;;%U)(A;;;;;OW)", "0x2", "no")],
    );
}
