//! Six machines, written from public documentation, that answer questions as a host would.
//!
//! Descriptors: those of `C:\`, `C:\Windows`, `C:\Program Files`, profiles, `C:\ProgramData` and of a data drive are
//! published outputs of `Get-Acl` and `cacls` on Windows 10 and 11 (as in `windows_machine.rs`); that of `C:\Users` is the
//! published output of `icacls C:\Users`. Everything else inherits from its directory, as new objects do. Reparse points of
//! `WindowsApps` and of cloud files, junctions of localised Windows, and Dev Drives are as Microsoft's documentation
//! describes them. Nothing here was recorded by a program on Windows.

#![allow(dead_code, reason = "each test file uses a part of it")]

use garth_plan::facts::Command;
use garth_plan::windows::facts::{
    CodeIntegrity, Directories, FactQuery, FileId, HostFacts, Object, PathFact, Policies, Prepared, Reparse,
    Security, Survey, System, Tool, User, VERSION, Volume, VolumeKind,
};
use garth_plan::windows::inherit::{Child, new_object};
use garth_plan::windows::token::Held;
use garth_plan::windows::{
    Group, Privilege, SecurityDescriptor, Sid, Token, derive, further_questions, known, questions,
};
use garth_policy::{AbsPath, Context, NodeKind, Os, Policy, Profile};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

const INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
const DRIVE: &str =
    "O:%IG:%ID:PAI(A;;LC;;;AU)(A;OICIIO;SDGXGWGR;;;AU)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)";
const SYSTEM: &str = "O:%IG:%ID:PAI(A;OICIIO;GA;;;CO)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;SY)(A;OICIIO;GA;;;BA)\
    (A;;0x1301bf;;;BA)(A;OICIIO;GXGR;;;BU)(A;;0x1200a9;;;BU)(A;CIIO;GA;;;%I)(A;;FA;;;%I)(A;;0x1200a9;;;AC)\
    (A;OICIIO;GXGR;;;AC)(A;;0x1200a9;;;S-1-15-2-2)(A;OICIIO;GXGR;;;S-1-15-2-2)";
const USERS: &str = "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)\
    (A;;0x1200a9;;;WD)(A;OICIIO;GXGR;;;WD)";
const PROFILE: &str = "O:SYG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;%U)";
const PROGRAM_DATA: &str =
    "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)(A;CI;LC;;;BU)(A;OICIIO;FA;;;CO)";
const DATA_DRIVE: &str = "O:BAG:SYD:(A;;FA;;;BA)(A;OICIIO;GA;;;BA)(A;;FA;;;SY)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;AU)\
    (A;OICIIO;SDGXGWGR;;;AU)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)";
/// What administrators alone get: the user cannot even read it.
const SHUT: &str = "-";

/// A machine.
pub struct Sketch {
    pub name: &'static str,
    edition: &'static str,
    build: &'static str,
    user: &'static str,
    sid: &'static str,
    domain: bool,
    administrator: bool,
    pub home: &'static str,
    pub workspace: &'static str,
    /// Drives beside `C:`, with what they are.
    drives: &'static [Drive],
    /// More that is there: `path`, or `path/` for a directory; below the home with `~/`, below the workspace with `./`.
    more: &'static [&'static str],
    synchronised: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
    env_dirs: &'static [(&'static str, &'static str)],
    packaged_pwsh: bool,
}

struct Drive {
    root: &'static str,
    file_system: &'static str,
    kind: VolumeKind,
    acls: bool,
    dev: bool,
}

const DATA: Drive =
    Drive { root: "D:\\", file_system: "NTFS", kind: VolumeKind::Fixed, acls: true, dev: false };
const DEV: Drive =
    Drive { root: "D:\\", file_system: "ReFS", kind: VolumeKind::Fixed, acls: true, dev: true };
const STICK: Drive =
    Drive { root: "E:\\", file_system: "exFAT", kind: VolumeKind::Removable, acls: false, dev: false };
const SHARE: Drive =
    Drive { root: "\\\\files\\team", file_system: "NTFS", kind: VolumeKind::Remote, acls: true, dev: false };

/// The machines.
pub const MACHINES: [Sketch; 6] = [
    Sketch {
        name: "windows-home",
        edition: "Windows 11 Home 24H2",
        build: "26100.4652",
        user: "ada",
        sid: "S-1-5-21-1004336348-1177238915-682003330-1001",
        domain: false,
        administrator: true,
        home: "C:\\Users\\ada",
        workspace: "C:\\Users\\ada\\source\\project",
        drives: &[STICK],
        more: &["./.vscode/", "./.vscode/tasks.json", "./.github/", "./.git/info/", "./.git/info/attributes"],
        synchronised: &[],
        environment: &[],
        env_dirs: &[],
        packaged_pwsh: true,
    },
    Sketch {
        name: "windows-pro-domain",
        edition: "Windows 10 Pro 22H2",
        build: "19045.5131",
        user: "jdoe",
        sid: "S-1-5-21-3623811015-3361044348-30300820-1105",
        domain: true,
        administrator: false,
        home: "C:\\Users\\jdoe.CONTOSO",
        workspace: "C:\\src\\service",
        drives: &[SHARE],
        more: &["C:/src/", "./.idea/", "./.husky/", "C:/tools/", "C:/ProgramData/chocolatey/"],
        synchronised: &[],
        environment: &[],
        env_dirs: &[],
        packaged_pwsh: false,
    },
    Sketch {
        name: "windows-german",
        edition: "Windows 11 Pro 23H2",
        build: "22631.4460",
        user: "Jürgen Groß",
        sid: "S-1-5-21-2052111302-1275210071-1644491937-1002",
        domain: false,
        administrator: true,
        home: "C:\\Users\\Jürgen Groß",
        workspace: "D:\\Projekte\\Übung",
        drives: &[DATA],
        more: &["D:/Projekte/", "./.vs/", "./.envrc", "./.mcp.json"],
        synchronised: &[],
        environment: &[],
        env_dirs: &[],
        packaged_pwsh: false,
    },
    Sketch {
        name: "windows-cjk",
        edition: "Windows 11 Home 23H2",
        build: "22631.4317",
        user: "山田太郎",
        sid: "S-1-5-21-725345543-602162358-527237240-1001",
        domain: false,
        administrator: false,
        home: "C:\\Users\\山田太郎",
        workspace: "C:\\Users\\山田太郎\\ソース\\計画",
        drives: &[],
        more: &["./.claude/", "./.claude/settings.json"],
        synchronised: &[],
        environment: &[],
        env_dirs: &[],
        packaged_pwsh: true,
    },
    Sketch {
        name: "windows-onedrive",
        edition: "Windows 11 Pro 24H2",
        build: "26100.3476",
        user: "grace",
        sid: "S-1-5-21-448539723-1580818891-1957994488-1001",
        domain: false,
        administrator: true,
        home: "C:\\Users\\grace",
        workspace: "C:\\Users\\grace\\OneDrive - Contoso\\Documents\\app",
        drives: &[],
        more: &["~/OneDrive - Contoso/", "~/OneDrive - Contoso/Documents/"],
        synchronised: &["C:\\Users\\grace\\OneDrive - Contoso"],
        environment: &[("OneDrive", "C:\\Users\\grace\\OneDrive - Contoso")],
        env_dirs: &[],
        packaged_pwsh: false,
    },
    Sketch {
        name: "windows-dev-drive",
        edition: "Windows 11 Enterprise 24H2",
        build: "26100.4061",
        user: "lin",
        sid: "S-1-5-21-1757981266-484763869-725345543-1001",
        domain: false,
        administrator: true,
        home: "C:\\Users\\lin",
        workspace: "D:\\src\\engine",
        drives: &[DEV, SHARE],
        more: &[
            "D:/src/",
            "D:/packages/",
            "D:/packages/cargo/",
            "D:/packages/cargo/bin/",
            "D:/packages/cargo/registry/",
        ],
        synchronised: &[],
        environment: &[("CARGO_HOME", "D:\\packages\\cargo")],
        env_dirs: &[("CARGO_HOME", "D:\\packages\\cargo")],
        packaged_pwsh: false,
    },
];

/// What is there on every machine beside the directories with published descriptors.
const EVERYWHERE: &[&str] = &[
    "C:/Windows/System32/",
    "C:/Windows/SysWOW64/",
    "C:/Windows/WinSxS/",
    "C:/Windows/Globalization/",
    "C:/Windows/Fonts/",
    "C:/Windows/assembly/",
    "C:/Windows/Microsoft.NET/",
    "C:/Windows/System32/cmd.exe",
    "C:/Windows/System32/WindowsPowerShell/",
    "C:/Windows/System32/WindowsPowerShell/v1.0/",
    "C:/Windows/System32/WindowsPowerShell/v1.0/powershell.exe",
    "C:/Program Files/Git/",
    "C:/Program Files/Git/cmd/",
    "C:/Program Files/Git/cmd/git.exe",
    "C:/Program Files/nodejs/",
    "C:/Program Files/nodejs/npm.cmd",
    "C:/Program Files/nodejs/node.exe",
    "~/AppData/",
    "~/AppData/Local/",
    "~/AppData/Local/Temp/",
    "~/AppData/Local/Packages/",
    "~/AppData/Local/Programs/",
    "~/AppData/Local/Microsoft/",
    "~/AppData/Local/Microsoft/WindowsApps/",
    "~/AppData/Local/Microsoft/Credentials/",
    "~/AppData/Local/npm-cache/",
    "~/AppData/Local/pip/",
    "~/AppData/Local/pip/cache/",
    "~/AppData/Roaming/",
    "~/AppData/Roaming/npm/",
    "~/AppData/Roaming/Microsoft/",
    "~/AppData/Roaming/Microsoft/Credentials/",
    "~/AppData/Roaming/Microsoft/Protect/",
    "~/.ssh/",
    "~/.gitconfig",
    "~/.cargo/",
    "~/.cargo/bin/",
    "~/.cargo/bin/cargo.exe",
    "~/.cargo/config.toml",
    "~/.cargo/credentials.toml",
    "~/.cargo/registry/",
    "~/.rustup/",
    "~/.claude/",
    "~/.claude.json",
    "./",
    "./.git/",
    "./.git/config",
    "./.git/hooks/",
    "./.git/HEAD",
    "./src/",
    "./README.md",
];

/// A path of a test.
pub fn path(text: &str) -> AbsPath {
    AbsPath::windows(text).unwrap()
}

impl Sketch {
    fn expanded(&self, row: &str) -> (AbsPath, bool) {
        let directory = row.ends_with('/');
        let text = match row.split_at(2) {
            ("~/", below) => format!("{}\\{below}", self.home),
            ("./", below) => format!("{}\\{below}", self.workspace),
            _ => row.to_owned(),
        };
        (path(&text), directory)
    }

    fn filled(&self, text: &str) -> SecurityDescriptor {
        text.replace("%I", INSTALLER).replace("%U", self.sid).parse().unwrap()
    }

    fn token(&self) -> Token {
        let mut token = Token::ordinary(self.sid.parse().unwrap());
        let sid = |text: &str| text.parse::<Sid>().unwrap();
        let more = ["S-1-5-4", "S-1-2-1", "S-1-5-15", "S-1-5-113", "S-1-2-0"];
        token.groups.extend(more.map(|text| Group::enabled(sid(text))));
        token.groups.push(Group::enabled(derive::logon(0, 109_260)));
        if self.administrator {
            token.groups.push(Group::deny_only(known::ADMINISTRATORS));
        }
        token.primary_group =
            if self.domain { sid("S-1-5-21-3623811015-3361044348-30300820-513") } else { token.user };
        token.groups.extend(self.domain.then(|| Group::enabled(token.primary_group)));
        let held =
            [Privilege::Shutdown, Privilege::Undock, Privilege::IncreaseWorkingSet, Privilege::TimeZone];
        token.privileges.extend(held.map(|privilege| Held { privilege, enabled: false }));
        token
    }

    fn context(&self) -> Context {
        Context {
            os: Os::Windows,
            workspace: path(self.workspace),
            home: path(self.home),
            tmp: path(&format!("{}\\AppData\\Local\\Temp\\garth-session", self.home)),
            git_dirs: Vec::new(),
            path_dirs: Vec::new(),
            env_dirs: self.env_dirs.iter().map(|(name, text)| ((*name).to_owned(), path(text))).collect(),
        }
    }

    /// The policy of a profile here.
    pub fn policy(&self, profile: Profile) -> Policy {
        Policy::builtin(profile, &self.context())
    }

    /// A host that answers.
    pub fn host(&self) -> Host {
        let mut objects = BTreeMap::new();
        let published = [
            ("C:\\", DRIVE),
            ("C:\\Windows", SYSTEM),
            ("C:\\Program Files", SYSTEM),
            ("C:\\Program Files (x86)", SYSTEM),
        ];
        let others = [
            ("C:\\Users", USERS),
            ("C:\\ProgramData", PROGRAM_DATA),
            ("C:\\Windows\\System32\\config", SHUT),
        ];
        for (text, descriptor) in published.into_iter().chain(others).chain([(self.home, PROFILE)]) {
            let known = (descriptor != SHUT).then(|| self.filled(descriptor));
            objects.insert(path(text), (NodeKind::Directory, known));
        }
        for drive in self.drives {
            objects.insert(path(drive.root), (NodeKind::Directory, Some(self.filled(DATA_DRIVE))));
        }
        let mut host = Host {
            objects,
            token: self.token(),
            looked: Cell::new(0),
            planted: None,
            sketch_home: path(self.home),
            volumes: self.volumes(),
        };
        for row in EVERYWHERE.iter().chain(self.more) {
            let (path, directory) = self.expanded(row);
            host.add(&path, directory);
        }
        host
    }

    fn volumes(&self) -> Vec<Volume> {
        let system = Drive { root: "C:\\", ..DATA };
        let volume = |drive: &Drive| Volume {
            root: path(drive.root),
            kind: drive.kind,
            file_system: drive.file_system.to_owned(),
            acls: drive.acls,
            reparse_points: drive.acls,
            hard_links: drive.acls,
            dev_drive: drive.dev,
        };
        [&system].into_iter().chain(self.drives).map(volume).collect()
    }

    /// The command, with the environment of the machine.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut environment: Vec<(String, String)> = vec![
            ("Path".into(), self.search()),
            ("USERPROFILE".into(), self.home.into()),
            ("LOCALAPPDATA".into(), format!("{}\\AppData\\Local", self.home)),
            ("APPDATA".into(), format!("{}\\AppData\\Roaming", self.home)),
            ("NODE_OPTIONS".into(), "--require C:\\evil.js".into()),
            ("USERNAME".into(), self.user.into()),
        ];
        environment.extend(self.environment.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        Command {
            arguments: words.iter().map(|word| word.as_bytes().to_vec()).collect(),
            directory: path(self.workspace),
            logical_directory: None,
            environment: environment
                .into_iter()
                .map(|(name, value)| (name.into_bytes(), value.into_bytes()))
                .collect(),
            terminal: None,
            layers: Vec::new(),
            kept: Vec::new(),
            observe: false,
        }
    }

    fn search(&self) -> String {
        let own = ["AppData\\Local\\Microsoft\\WindowsApps", ".cargo\\bin", "AppData\\Roaming\\npm"];
        let own = own.map(|below| format!("{}\\{below}", self.home));
        let system = [
            "C:\\Windows\\system32",
            "C:\\Windows\\System32\\WindowsPowerShell\\v1.0",
            "C:\\Program Files\\Git\\cmd",
            "C:\\Program Files\\nodejs",
            ".",
        ];
        own.into_iter().chain(system.map(str::to_owned)).collect::<Vec<_>>().join(";")
    }

    /// Facts for these policies and commands, asked for as a run does.
    pub fn facts(&self, host: &Host, policies: &[Policy], commands: &[Command]) -> HostFacts {
        let mut facts = self.nothing_asked();
        let mut asked = FactQuery::nothing();
        for policy in policies {
            for command in commands {
                let query = questions(policy, &policy.files.boundaries(), command);
                asked.paths.extend(query.paths);
                asked.tools.extend(query.tools);
            }
        }
        while !asked.is_empty() {
            host.answer(&asked, &mut facts, self);
            asked = further_questions(&facts);
        }
        facts
    }

    fn nothing_asked(&self) -> HostFacts {
        HostFacts {
            version: VERSION,
            policies: Policies::default(),
            survey: Some(self.survey()),
            prepared: Prepared::default(),
            context: self.context(),
            system: System {
                name: self.edition.into(),
                build: self.build.into(),
                arch: "x86_64".into(),
                refused: self.refused(),
                proven: BTreeSet::new(),
            },
            user: User {
                name: self.user.into(),
                token: self.token(),
                logon: derive::logon(0, 109_260),
                elevated: false,
                domain_joined: self.domain,
            },
            directories: Directories {
                windows: path("C:\\Windows"),
                program_files: vec![path("C:\\Program Files"), path("C:\\Program Files (x86)")],
                program_data: path("C:\\ProgramData"),
                profiles: path("C:\\Users"),
                profile: path(self.home),
                local_app_data: path(&format!("{}\\AppData\\Local", self.home)),
                synchronised: self.synchronised.iter().map(|text| path(text)).collect(),
                garth: path("C:\\Program Files\\garth"),
            },
            volumes: self.volumes(),
            paths: BTreeMap::new(),
            tools: BTreeMap::new(),
            environment: self
                .command(&["cmd"])
                .environment
                .into_iter()
                .map(|(name, value)| (String::from_utf8(name).unwrap(), String::from_utf8(value).unwrap()))
                .collect(),
        }
    }

    /// Settings as the editions have them from the start; the one in a domain has rules for programs.
    fn survey(&self) -> Survey {
        let edition = ["Home", "Enterprise", "Pro"].into_iter().find(|name| self.edition.contains(name));
        let edition = edition.map(|name| match name {
            "Home" => "Core",
            "Pro" => "Professional",
            other => other,
        });
        let policy = |scope: &str, text: &str| (scope.to_owned(), text.to_owned());
        Survey {
            edition: edition.map(str::to_owned),
            streams: Some(true),
            case_sensitive: Some(false),
            short_names: Some(!self.workspace.starts_with("D:")),
            long_paths: Some(self.name == "windows-dev-drive"),
            developer_mode: Some(self.name == "windows-dev-drive"),
            execution_policies: if self.domain {
                [policy("machine-policy", "AllSigned")].into()
            } else {
                [policy("user", "RemoteSigned")].into()
            },
            app_locker: if self.domain { vec!["Exe".to_owned(), "Script".to_owned()] } else { Vec::new() },
            code_integrity: Some(if self.domain { CodeIntegrity::Audit } else { CodeIntegrity::Off }),
            app_paths: BTreeMap::new(),
        }
    }

    fn refused(&self) -> BTreeMap<garth_plan::windows::facts::Feature, String> {
        use garth_plan::windows::facts::Feature;
        let why = "Windows Sandbox is not part of this edition, or is not switched on";
        let without = !self.edition.contains("Enterprise");
        [Feature::WindowsSandbox, Feature::WindowsSandboxCli]
            .into_iter()
            .filter(|_| without)
            .map(|feature| (feature, why.to_owned()))
            .collect()
    }
}

/// What is there, and how often somebody looked.
pub struct Host {
    objects: BTreeMap<AbsPath, (NodeKind, Option<SecurityDescriptor>)>,
    token: Token,
    /// Objects that were opened.
    pub looked: Cell<usize>,
    /// A tree that is computed when it is looked at: where it begins, and how many files are in it.
    planted: Option<(AbsPath, usize)>,
    sketch_home: AbsPath,
    volumes: Vec<Volume>,
}

impl Host {
    /// Something that inherits from where it lies; directories on the way are made.
    pub fn add(&mut self, path: &AbsPath, directory: bool) {
        if self.objects.contains_key(path) {
            return;
        }
        let parent = path.parent().unwrap();
        self.add(&parent, true);
        let above = self.objects[&parent].1.clone();
        let child = if directory { Child::DIRECTORY } else { Child::FILE };
        // What is not below a profile or of the user's making on a drive belongs to the system.
        let system = Token::ordinary(known::SYSTEM);
        let own = path.starts_with(&self.sketch_home)
            || !["C:\\Windows", "C:\\Program Files", "C:\\ProgramData", "C:\\Program Files (x86)"]
                .iter()
                .any(|root| path.starts_with(&AbsPath::windows(root).unwrap()));
        let maker = if own { &self.token } else { &system };
        let security = above.map(|above| new_object(Some(&above), None, maker, child));
        let kind = if directory { NodeKind::Directory } else { NodeKind::File };
        self.objects.insert(path.clone(), (kind, security));
    }

    /// Files `d0\\f0`, `d1\\f1` and so on below a directory that exists, a hundred directories of them.
    pub fn plant(&mut self, root: &AbsPath, files: usize) {
        assert!(self.objects.contains_key(root));
        self.planted = Some((root.clone(), files));
    }

    fn planted(&self, path: &AbsPath) -> Option<(NodeKind, Option<SecurityDescriptor>)> {
        let (root, files) = self.planted.as_ref().filter(|(root, _)| path.starts_with(root))?;
        let names = std::str::from_utf8(path.strip_prefix(root)?).ok()?;
        let mut names = names.split('\\').filter(|name| !name.is_empty());
        let number = |name: &str, letter: char| name.strip_prefix(letter)?.parse::<usize>().ok();
        let directory = number(names.next()?, 'd').filter(|directory| *directory < 100)?;
        let inherit = |above: Option<&SecurityDescriptor>, child| {
            above.map(|above| new_object(Some(above), None, &self.token, child))
        };
        let security = inherit(self.objects[root].1.as_ref(), Child::DIRECTORY);
        let Some(name) = names.next() else { return Some((NodeKind::Directory, security)) };
        let file = number(name, 'f').filter(|file| file < files && file % 100 == directory)?;
        (names.next().is_none() && file < *files)
            .then(|| (NodeKind::File, inherit(security.as_ref(), Child::FILE)))
    }

    /// What stands there.
    pub fn object(&self, path: &AbsPath) -> Option<PathFact> {
        self.looked.set(self.looked.get() + 1);
        let planted = self.planted(path);
        let (kind, security) = self.objects.get(path).or(planted.as_ref())?;
        let Some(security) = security else { return Some(PathFact::Refused) };
        let volume = self.volumes.iter().find(|volume| path.starts_with(&volume.root)).unwrap();
        let bytes = path.to_string().to_lowercase();
        let number = bytes.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        let cloud = path.to_string().contains("OneDrive - ") && *kind == NodeKind::Directory;
        Some(PathFact::Present(Object {
            kind: *kind,
            reparse: cloud.then_some(Reparse::Cloud),
            final_path: path.clone(),
            final_kind: *kind,
            id: FileId { volume: u64::from(volume.root.as_bytes()[0]), file: (0, number) },
            links: 1,
            security: if volume.acls { Security::Read(security.clone()) } else { Security::None },
        }))
    }

    fn answer(&self, query: &FactQuery, facts: &mut HostFacts, sketch: &Sketch) {
        for path in &query.paths {
            facts.paths.insert(path.clone(), self.object(path).unwrap_or(PathFact::Absent));
        }
        for name in &query.tools {
            let found = self.tools(name, sketch);
            facts.tools.insert(name.clone(), found);
        }
    }

    fn tools(&self, name: &str, sketch: &Sketch) -> Vec<Tool> {
        let mut found = Vec::new();
        for directory in sketch.search().split(';').filter_map(|entry| AbsPath::windows(entry).ok()) {
            for extension in ["", ".com", ".exe", ".bat", ".cmd"] {
                let Ok(path) = directory.join(format!("{name}{extension}").as_bytes()) else { continue };
                if let Some(PathFact::Present(object)) = self.object(&path)
                    && object.kind == NodeKind::File
                {
                    found.push(Tool { path, object, package: None });
                }
            }
        }
        if name == "pwsh" && sketch.packaged_pwsh {
            let path = path(&format!("{}\\AppData\\Local\\Microsoft\\WindowsApps\\pwsh.exe", sketch.home));
            let (_, security) = &self.objects[&path.parent().unwrap()];
            let security = new_object(security.as_ref(), None, &self.token, Child::FILE);
            found.push(Tool {
                object: Object {
                    kind: NodeKind::Symlink,
                    reparse: Some(Reparse::AppAlias),
                    final_path: path.clone(),
                    final_kind: NodeKind::File,
                    id: FileId { volume: 67, file: (0, 1) },
                    links: 1,
                    security: Security::Read(security),
                },
                path,
                package: Some("Microsoft.PowerShell_7.5.2.0_x64__8wekyb3d8bbwe".into()),
            });
        }
        found
    }
}
