//! What is said about each mistake, as a user sees it.
#![cfg(feature = "load")]

mod support;

use garth_policy::{Diagnostics, Flag, Inputs, Layer, Setting, Severity, Source, TrustStore, check, load};
use support::{context, golden};

fn found(text: &str, layer: Layer) -> Diagnostics {
    check(&Source { name: "policy.toml".to_owned(), text: text.to_owned() }, layer, &context())
}

/// Name, layer and text of files with mistakes; `version = 1` is put before each that does not begin with `!`.
const MISTAKES: &[(&str, Layer, &str)] = &[
    ("no version", Layer::User, "!profile = \"strict\"\n"),
    ("other version", Layer::User, "!version = 2\n"),
    ("version as text", Layer::User, "!version = \"1\"\n"),
    ("syntax", Layer::User, "profile = \n[files\n"),
    ("duplicate key", Layer::User, "profile = \"strict\"\nprofile = \"open\"\n"),
    ("unknown key with a suggestion", Layer::User, "profil = \"strict\"\n"),
    ("unknown key without one", Layer::User, "colour = 1\n"),
    ("unknown key in a section", Layer::User, "[network]\nmodes = \"deny\"\n"),
    ("unknown section", Layer::User, "[file]\n\"a\" = \"read\"\n"),
    ("unknown profile", Layer::User, "profile = \"workspce\"\n"),
    ("profile of the wrong type", Layer::User, "profile = 3\n"),
    ("section of the wrong type", Layer::User, "files = \"read\"\n"),
    ("unknown access", Layer::User, "[files]\n\"a\" = \"raed\"\n"),
    ("access of the wrong type", Layer::User, "[files]\n\"a\" = true\n"),
    ("entry without access", Layer::User, "[files]\n\"a\" = { execute = false }\n"),
    ("entry with an unknown key", Layer::User, "[files]\n\"a\" = { access = \"read\", exec = false }\n"),
    ("unknown token", Layer::User, "[files]\n\":worksapce\" = \"read\"\n"),
    ("path below a group", Layer::User, "[files]\n\":system/x\" = \"read\"\n"),
    ("home of another", Layer::User, "[files]\n\"~bob/x\" = \"read\"\n"),
    ("empty path", Layer::User, "[files]\n\"\" = \"read\"\n"),
    ("unclosed class", Layer::User, "[files]\n\"src/[a\" = \"read\"\n"),
    ("stars within a name", Layer::User, "[files]\n\"a**b\" = \"read\"\n"),
    ("bad escape", Layer::User, "[files]\n'a\\q' = \"read\"\n"),
    (
        "same path twice",
        Layer::User,
        "[files]\n\"vendor\" = \"read\"\n\"a\" = \"deny\"\n\"./vendor/\" = \"write\"\n",
    ),
    ("root", Layer::User, "[files]\n\"/\" = \"write\"\n"),
    ("home", Layer::User, "[files]\n\"~\" = \"write\"\n"),
    ("home as token", Layer::User, "[files]\n\":home\" = \"overlay\"\n"),
    ("all homes", Layer::User, "[files]\n\"/home\" = \"write\"\n"),
    ("system", Layer::User, "[files]\n\"/usr/lib\" = \"write\"\n\"/etc\" = \"write\"\n"),
    ("system by a token", Layer::User, "[files]\n\":system\" = \"write\"\n"),
    ("everything by a pattern", Layer::User, "[files]\n\"/**\" = \"write\"\n\"~/**\" = \"write\"\n"),
    ("wide reading", Layer::User, "[files]\n\"/\" = \"read\"\n"),
    ("parent of the workspace", Layer::User, "[files]\n\"..\" = \"write\"\n"),
    ("outside", Layer::Project, "[files]\n\"~/data\" = \"read\"\n\"../other\" = \"read\"\n"),
    ("unknown mode", Layer::User, "[network]\nmode = \"allowlist\"\n"),
    (
        "domains without effect",
        Layer::User,
        "[network]\nmode = \"deny\"\ndomains = { \"a.example\" = \"allow\" }\n",
    ),
    (
        "domain twice",
        Layer::User,
        "[network.domains]\n\"GitHub.com\" = \"allow\"\n\"github.com\" = \"deny\"\n",
    ),
    ("every domain", Layer::User, "[network.domains]\n\"*\" = \"allow\"\n"),
    ("address as URL", Layer::User, "[network.domains]\n\"https://a.example/\" = \"allow\"\n"),
    ("numeric host", Layer::User, "[network.domains]\n\"0x7f.1\" = \"allow\"\n\"2130706433\" = \"allow\"\n"),
    ("wildcard in the middle", Layer::User, "[network.domains]\n\"a.*.example\" = \"allow\"\n"),
    ("domain decision", Layer::User, "[network.domains]\n\"a.example\" = \"ask\"\n"),
    ("port", Layer::User, "[network]\nlisten = [0, 70000, \"80\"]\n"),
    ("rule without host", Layer::User, "[[network.rules]]\nmethods = [\"get\"]\npaths = [\"x\"]\n"),
    ("secret", Layer::User, "[network.secrets.TOKEN]\nfrom = \"vault\"\nhosts = [\"a.example\"]\n"),
    (
        "secret in odd places",
        Layer::User,
        "[network.secrets.TOKEN]\nfrom = \"env:TOKEN\"\nhosts = [\"a.example\"]\nin = [\"header\", \"cookie\"]\n",
    ),
    (
        "secret in no place",
        Layer::User,
        "[network.secrets.TOKEN]\nfrom = \"env:TOKEN\"\nhosts = [\"a.example\"]\nin = []\n",
    ),
    ("secret without hosts", Layer::User, "[network.secrets.TOKEN]\nfrom = \"env:TOKEN\"\n"),
    ("command without prefix", Layer::User, "[[commands]]\ndecision = \"deny\"\n"),
    ("command without decision", Layer::User, "[[commands]]\nprefix = [\"git\"]\n"),
    ("empty prefix", Layer::User, "[[commands]]\nprefix = []\ndecision = \"deny\"\n"),
    ("decision", Layer::User, "[[commands]]\nprefix = [\"git\"]\ndecision = \"denied\"\n"),
    (
        "examples of a rule",
        Layer::User,
        "[[commands]]\nprefix = [\"git\", [\"push\", \"fetch\"]]\ndecision = \"ask\"\n\
         match = [\"git push origin\", \"git pull\"]\nnot-match = [\"git status\", \"/usr/bin/git fetch\"]\n",
    ),
    (
        "contradicting commands",
        Layer::User,
        "[[commands]]\nprefix = [\"rm\"]\ndecision = \"ask\"\n\n[[commands]]\nprefix = [\"rm\"]\ndecision = \"allow\"\n",
    ),
    ("program of a project", Layer::Project, "[programs.git]\nreason = \"r\"\nsource = \"s\"\n"),
    (
        "unknown key of a program",
        Layer::User,
        "[programs.x]\nreason = \"r\"\nsource = \"s\"\nflag = \"-a\"\n",
    ),
    ("number in a program", Layer::User, "[programs.x]\nreason = 1\n"),
    ("program of the wrong type", Layer::User, "programs = [\"x\"]\n"),
    ("guarded variable", Layer::User, "[env]\nallow = [\"LD_PRELOAD\", \"SSH_AUTH_SOCK\", \"LC_*\"]\n"),
    ("variable", Layer::User, "[env]\nallow = [\"*\", \"A=B\", \"A*B\"]\n"),
    ("limits", Layer::User, "[limits]\nmemory = \"4 gigs\"\ntime = \"10\"\ncpu = \"all\"\nprocesses = -1\n"),
    ("approvals", Layer::User, "[approvals]\nmode = \"always\"\ntimeout = 5\n"),
    ("tier", Layer::User, "[tier]\nminimum = \"container\"\nnested = \"yes\"\n"),
    ("log in the workspace", Layer::User, "[audit]\npath = \"/home/ann/ws/log\"\n"),
    ("log of a project", Layer::Project, "[audit]\npath = \"~/log\"\n"),
    (
        "keeping logs, of a project",
        Layer::Project,
        "[audit]\nkeep-for = \"1d\"\nkeep-size = \"1MiB\"\nanchor = \"~/anchor\"\n",
    ),
    (
        "keeping logs",
        Layer::User,
        "[audit]\nkeep-for = \"long\"\nkeep-size = 5\nreads = \"all\"\nprocesses = 1\nanchor = \"x\"\n",
    ),
    ("socket", Layer::User, "[sockets]\nallow = [\"run/x.sock\"]\n"),
    ("device", Layer::User, "[devices]\nallow = [\"gpus\"]\n"),
    ("budget of nothing", Layer::User, "[network.budget]\nupload = \"0\"\nnew-names = 0\n"),
    (
        "budget of a rule",
        Layer::User,
        "[[network.rules]]\nhost = \"a.example\"\nupload = \"0\"\n\
         [[network.rules]]\nhost = \"b.example\"\nupload = 7\n",
    ),
    (
        "proxy",
        Layer::User,
        "[network.proxy]\nurl = \"https://proxy.example\"\nexcept = [\"a b\", \"a.example:80\"]\ncredentials = \"x\"\nport = 1\n",
    ),
    ("proxy with a password", Layer::User, "[network.proxy]\nurl = \"http://me:word@proxy.example\"\n"),
    ("proxy that is none", Layer::User, "[network.proxy]\nexcept = []\n"),
    ("login at no proxy", Layer::User, "[network.proxy]\nurl = \"none\"\ncredentials = \"env:X\"\n"),
    ("budget in words", Layer::User, "[network.budget]\nupload = 5\nnew-names = \"many\"\nper-host = 1\n"),
    (
        "command of a project",
        Layer::Project,
        "[network.secrets.T]\nfrom = \"command:pass show x\"\nhosts = [\"a.test\"]\n",
    ),
    (
        "command with a pipe",
        Layer::User,
        "[network.secrets.T]\nfrom = \"command:cat x | head\"\nhosts = [\"a.test\"]\n",
    ),
    (
        "command by a relative path",
        Layer::User,
        "[network.secrets.T]\nfrom = \"command:./token\"\nhosts = [\"a.test\"]\n",
    ),
    (
        "command of the workspace",
        Layer::User,
        "[network.secrets.T]\nfrom = \"command:/home/ann/ws/token\"\nhosts = [\"a.test\"]\n",
    ),
    (
        "keyring without an account",
        Layer::User,
        "[network.secrets.T]\nfrom = \"keyring:garth\"\nhosts = [\"a.test\"]\n",
    ),
    ("control characters", Layer::User, "[files]\n\"\\u001b[2Ja*\\u202e[\" = \"read\"\n"),
];

fn text_of(body: &str) -> String {
    body.strip_prefix('!').map_or_else(|| format!("version = 1\n{body}"), str::to_owned)
}

#[test]
fn each_mistake() {
    let mut out = String::new();
    for (name, layer, body) in MISTAKES {
        let diagnostics = found(&text_of(body), *layer);
        assert!(!diagnostics.is_empty(), "{name}: nothing was found");
        for found in &diagnostics.list {
            assert!(found.line > 0 && found.column > 0 && !found.hint.is_empty(), "{name}: {found:?}");
        }
        out.push_str(&format!("## {name}\n{diagnostics}\n"));
    }
    golden::check("diagnostics.txt", &out);
}

#[test]
fn a_sound_file_has_no_mistakes() {
    let text = include_str!("sound.toml");
    let diagnostics = found(text, Layer::User);
    assert!(diagnostics.is_empty(), "{diagnostics}");
}

#[test]
fn all_mistakes_at_once_and_in_order() {
    let diagnostics =
        found("version = 1\nprofil = 1\n[files]\n\"a\" = 1\n[limits]\nmemory = 1\n", Layer::User);
    let lines: Vec<u32> = diagnostics.list.iter().map(|found| found.line).collect();
    assert_eq!(lines, [2, 4, 6]);
}

#[test]
fn json_form() {
    let json = found("version = 1\nprofil = 1\n", Layer::User).to_json();
    let first = &json["diagnostics"][0];
    assert_eq!((first["line"].as_u64(), first["column"].as_u64()), (Some(2), Some(1)));
    assert_eq!(first["code"], "unknown-key");
    assert_eq!(first["severity"], "error");
}

#[test]
fn flags_and_workspace() {
    let mut inputs =
        Inputs { context: context(), managed: None, user: None, project: None, flags: Vec::new() };
    inputs.flags = vec![
        Flag { typed: "--allow /".into(), setting: Setting::File("/".into(), garth_policy::Access::Write) },
        Flag { typed: "--memory lots".into(), setting: Setting::Memory("lots".into()) },
    ];
    inputs.context.workspace = inputs.context.home.clone();
    let diagnostics = load(&inputs, &TrustStore::empty()).unwrap_err();
    assert!(diagnostics.list.iter().all(|found| found.severity == Severity::Error));
    golden::check("flags.txt", &diagnostics.to_string());
}

#[test]
fn the_work_that_a_file_can_make_is_bounded() {
    let entries = |count: usize, access: &str| -> String {
        let lines = (0..count).map(|number| format!("\"f{number}\" = \"{access}\"\n"));
        format!("version = 1\n[files]\n{}", lines.collect::<String>())
    };
    assert!(found(&entries(4096, "read"), Layer::Project).render(false).is_empty());
    let many = found(&entries(4097, "read"), Layer::Project);
    assert!(many.render(false).contains("4097 paths"), "{}", many.render(false));
    let wrong = found(&entries(4096, "raed"), Layer::Project);
    let shown = wrong.render(false);
    assert_eq!(shown.matches("--> policy.toml:").count(), 50, "{shown}");
    assert!(shown.contains("4046 more mistakes\nhint: "), "{shown}");
}

#[test]
fn bytes_that_are_no_text_have_a_place() {
    let bytes = b"version = 1\n# \xc3\xa4\xc3\xa4 \xff\n".to_vec();
    let found = Source::new("policy.toml".to_owned(), bytes).unwrap_err();
    let shown = found.render(false);
    assert!(shown.contains("policy.toml:2:6") && shown.contains("hint: save it as UTF-8"), "{shown}");
    let json = &found.to_json()["diagnostics"][0];
    assert_eq!((json["line"].as_u64(), json["column"].as_u64()), (Some(2), Some(6)), "{json}");
    let kept = Source::new("policy.toml".to_owned(), b"version = 1\n".to_vec()).unwrap();
    assert_eq!(kept.text, "version = 1\n");
}
