//! Descriptors of real machines, as others published them (`Get-Acl … .Sddl` and the output of system tools on Windows 10
//! and 11), and what tokens get there.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod windows_vectors;

use garth_plan::windows::inherit::{Child, new_object};
use garth_plan::windows::{AccessMask, Listed, ObjectKind, SecurityDescriptor, check, reachable_file};
use windows_vectors::{descriptor, filled, request, token};

const INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
const DRIVE: &str =
    "O:%IG:%ID:PAI(A;;LC;;;AU)(A;OICIIO;SDGXGWGR;;;AU)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)";
const WINDOWS: &str = "O:%IG:%ID:PAI(A;OICIIO;GA;;;CO)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;SY)(A;OICIIO;GA;;;BA)\
    (A;;0x1301bf;;;BA)(A;OICIIO;GXGR;;;BU)(A;;0x1200a9;;;BU)(A;CIIO;GA;;;%I)(A;;FA;;;%I)(A;;0x1200a9;;;AC)\
    (A;OICIIO;GXGR;;;AC)(A;;0x1200a9;;;S-1-15-2-2)(A;OICIIO;GXGR;;;S-1-15-2-2)";
const PROFILE: &str = "O:SYG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;%U)\
    (A;;0x100020;;;S-1-15-3-65536-599108337-2355189375-1353122160-3480128286-3345335107-485756383-4087318168-230526575)";
const SOFTWARE: &str = "O:BAG:SYD:AI(A;CIID;KR;;;BU)(A;CIID;KA;;;BA)(A;CIID;KA;;;SY)(A;CIIOID;KA;;;CO)(A;CIID;KR;;;AC)\
    (A;CIID;KR;;;S-1-15-3-1024-1065365936-1281604716-3511738428-1654721687-432734479-3232135806-4053264122-3456934681)S:AI";
const PROGRAM_DATA: &str =
    "O:SYD:(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)(A;CI;LC;;;BU)(A;OICIIO;FA;;;CO)";
const LABELLED_DRIVE: &str = "O:%IG:%ID:PAI(A;;FA;;;BA)(A;OICIIO;GA;;;BA)(A;;FA;;;SY)(A;OICIIO;GA;;;SY)\
    (A;OICI;0x1200a9;;;BU)(A;OICIIO;SDGXGWGR;;;AU)(A;;LC;;;AU)S:(ML;OINPIO;NW;;;HI)";
const DATA_DRIVE: &str = "D:(A;;FA;;;BA)(A;OICIIO;GA;;;BA)(A;;FA;;;SY)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;AU)\
    (A;OICIIO;SDGXGWGR;;;AU)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)";
const FRAMEWORK: &str = "O:BAG:S-1-5-21-583798214-2395324448-2099448207-513D:AI(A;OICI;0x1200a9;;;BU)(A;OICI;0x1200a9;;;AC)\
    (A;OICI;0x1200a9;;;S-1-15-2-2)(A;OICIID;FA;;;%I)(A;OICIID;FA;;;SY)(A;CIID;0x1200a9;;;BA)(A;OICIID;0x1200a9;;;LS)\
    (A;OICIID;0x1200a9;;;NS)(A;OICIID;0x1200a9;;;RC)";
const SERVICE: &str = "D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;CCLCSWLOCRRC;;;IU)\
    (A;;CCLCSWLOCRRC;;;SU)S:(AU;FA;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;WD)";

fn text(of: &str) -> String {
    filled(&of.replace("%I", INSTALLER))
}

fn object(of: &str) -> SecurityDescriptor {
    descriptor(&text(of))
}

#[test]
fn they_are_read_and_written_as_windows_writes_them() {
    let all =
        [DRIVE, WINDOWS, PROFILE, SOFTWARE, PROGRAM_DATA, LABELLED_DRIVE, DATA_DRIVE, FRAMEWORK, SERVICE];
    for written in all.map(text) {
        let read: SecurityDescriptor = written.parse().unwrap();
        assert_eq!(read.to_string(), written);
        assert_eq!(SecurityDescriptor::read(&read.to_bytes().unwrap()).unwrap(), read);
    }
}

/// The directory of installed packages holds a condition, which needs the token's attributes.
#[test]
fn a_condition_is_refused_where_it_stands() {
    let packages = "D:PAI(A;OICI;FA;;;SY)(XA;;0x1200a9;;;BU;(Exists WIN://SYSAPPID))(A;CI;0x1200a9;;;BA)";
    let error = packages.parse::<SecurityDescriptor>().unwrap_err();
    assert_eq!(error.to_string(), "column 23: conditional allow entries cannot be decided here");
}

/// What each token gets, at most, by asking the maximum.
#[test]
fn what_tokens_get() {
    let directory = ObjectKind::Directory;
    let none = AccessMask::NONE;
    let read = AccessMask(0x0012_00a9);
    let cases = [
        (DRIVE, directory, "", AccessMask(0x0012_00ad)),
        (DRIVE, directory, "+BA", AccessMask(0x001f_01ff)),
        (DRIVE, directory, "-BA", AccessMask(0x0012_00ad)),
        // Tools look at the drive's attributes; an AppContainer may not, unless the host is prepared.
        (DRIVE, directory, "ac", none),
        (WINDOWS, directory, "", read),
        (WINDOWS, directory, "+BA", AccessMask(0x0013_01bf)),
        (WINDOWS, directory, "ac", read),
        (WINDOWS, directory, "lpac", read),
        (WINDOWS, directory, "il=LW", read),
        (WINDOWS, directory, "write-restrict restrict=%W", read),
        (WINDOWS, directory, "restrict=%W", none),
        (WINDOWS, directory, "restrict=%W restrict=BU", read),
        (PROFILE, directory, "", AccessMask(0x001f_01ff)),
        (PROFILE, directory, "ac", none),
        (PROFILE, directory, "il=LW", read),
        // Reading, executing, and deleting what lies there.
        (PROFILE, directory, "write-restrict restrict=%W", AccessMask(0x0012_00e9)),
        (SOFTWARE, ObjectKind::Key, "", AccessMask(0x0002_0019)),
        (SOFTWARE, ObjectKind::Key, "ac", AccessMask(0x0002_0019)),
        (SOFTWARE, ObjectKind::Key, "lpac", none),
        (SOFTWARE, ObjectKind::Key, "lpac cap=registryRead", AccessMask(0x0002_0019)),
        (PROGRAM_DATA, directory, "", AccessMask(0x0012_00ad)),
        (PROGRAM_DATA, directory, "write-restrict restrict=%W", read),
        (PROGRAM_DATA, directory, "write-restrict restrict=%W restrict=BU", AccessMask(0x0012_00ad)),
        (PROGRAM_DATA, directory, "ac", none),
        (DATA_DRIVE, directory, "", AccessMask(0x0013_01bf)),
        (DATA_DRIVE, directory, "ac", none),
        (FRAMEWORK, directory, "ac", read),
        (FRAMEWORK, directory, "restrict=RC", read),
    ];
    for (name, kind, words, expected) in cases {
        let (token, _) = token(words);
        let answer = check(&token, &object(name), kind, AccessMask::MAXIMUM_ALLOWED).unwrap();
        assert_eq!(answer.granted, expected, "[{words}] on {name}");
    }
}

/// What a user's new directory on the system drive has, as published: the generic entry of the drive becomes one that
/// takes effect and one that waits.
#[test]
fn a_new_directory_on_the_drive_is_as_published() {
    let made = new_object(Some(&object(DRIVE)), None, &token("").0, Child::DIRECTORY);
    let lists = SecurityDescriptor { owner: None, group: None, ..made.clone() }.to_string();
    let expected = "D:AI(A;ID;0x1301bf;;;AU)(A;OICIIOID;SDGXGWGR;;;AU)(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)\
        (A;OICIID;0x1200a9;;;BU)";
    assert_eq!(lists, expected);
    let file = new_object(Some(&made), None, &token("").0, Child::FILE);
    assert_eq!(file.dacl.aces()[0].to_string(), "(A;ID;0x1301bf;;;AU)");
    // A label that files inherit, and that goes no further, reaches a file and no directory.
    let labelled = object(LABELLED_DRIVE);
    let low_file = new_object(Some(&labelled), None, &token("").0, Child::FILE);
    assert_eq!(low_file.sacl.aces().len(), 1);
    assert!(!check(&token("").0, &low_file, ObjectKind::File, request("GW", false)).unwrap().allowed);
    assert_eq!(new_object(Some(&labelled), None, &token("").0, Child::DIRECTORY).sacl, Listed::Absent);
}

/// One grant on a workspace in the profile, and nothing else, is what an AppContainer has there.
#[test]
fn a_workspace_in_a_profile() {
    let (user, _) = token("");
    let (inside, _) = token("ac");
    let directory = new_object(Some(&object(PROFILE)), None, &user, Child::DIRECTORY);
    let mut workspace = directory.clone();
    let Listed::Present(acl) = &mut workspace.dacl else { panic!("no DACL") };
    acl.aces.insert(0, descriptor("D:(A;OICI;0x1301bf;;;%P)").dacl.aces()[0]);
    let file = new_object(Some(&workspace), None, &user, Child::FILE);
    let beside = new_object(Some(&directory), None, &user, Child::FILE);
    let reach = |parent, file| reachable_file(&inside, parent, file, ObjectKind::File).unwrap();
    assert_eq!(reach(&workspace, &file), AccessMask(0x0013_01bf));
    assert_eq!(reach(&directory, &beside), AccessMask::NONE);
    // A list of its own without the package keeps a file from the sandbox, though the directory still shows and removes
    // nothing that its own list does not give.
    let protected = object("O:%UD:P(A;;FA;;;%U)(A;;FA;;;SY)");
    assert_eq!(reach(&workspace, &protected), AccessMask::FILE_READ_ATTRIBUTES);
}
