//! The journal on real files. Access lists of files are not kept by Wine, so what is written into them is asked about only
//! where it reads back.

use super::*;
use crate::windows::facts::look;
use garth_plan::windows::spec::{Directory, Grant, Lifetime, Pin, Removal, Reservation};
use garth_plan::windows::{Ace, SecurityDescriptor, derive, setup};
use garth_policy::NodeKind;
use std::os::windows::io::AsHandle;

struct Place {
    root: tempfile::TempDir,
    path: AbsPath,
    journal: Journal,
}

fn place() -> Place {
    let root = tempfile::tempdir().unwrap();
    let journal = Journal::at(&root.path().join("journal"));
    let path = AbsPath::windows(root.path().to_str().unwrap()).unwrap();
    Place { root, path, journal }
}

/// With the directory that the first change makes.
fn used_place() -> Place {
    let place = place();
    drop(place.journal.store.lock().unwrap());
    place
}

fn security() -> SecurityDescriptor {
    "D:(A;OICI;FA;;;WD)".parse().unwrap()
}

fn reservation(place: &Place, name: &str, kind: NodeKind, removal: Removal) -> Reservation {
    let path = place.path.join(name.as_bytes()).unwrap();
    Reservation { path, kind, security: security(), removal, content: String::new(), reason: "test".into() }
}

fn preparation(place: &Place) -> Preparation {
    Preparation {
        reservations: vec![
            reservation(place, "file", NodeKind::File, Removal::OnClose),
            reservation(place, "later", NodeKind::File, Removal::AtEnd),
            reservation(place, "folder", NodeKind::Directory, Removal::AtEndIfEmpty),
        ],
        ..Preparation::default()
    }
}

fn names(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.root.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn placeholders_come_and_go_with_the_session() {
    let place = place();
    let prepared = place.journal.prepare(&preparation(&place)).unwrap();
    assert_eq!(names(&place), ["file", "folder", "journal", "later"]);
    assert_eq!(place.journal.left().unwrap(), Vec::<String>::new(), "the session lives");
    prepared.undo().unwrap();
    assert_eq!(names(&place), ["journal"]);
    place.journal.recover().unwrap();
    assert_eq!(std::fs::read_dir(place.root.path().join("journal")).unwrap().count(), 1, "the lock alone");
}

/// Who looks, and who is refused before anything is changed, leaves no directory behind.
#[test]
fn looking_makes_no_journal() {
    let place = place();
    let workspace = place.path.join(b"workspace").unwrap();
    assert_eq!(place.journal.recover().unwrap(), Vec::<String>::new());
    assert_eq!(place.journal.left().unwrap(), Vec::<String>::new());
    assert_eq!(place.journal.clean().unwrap(), Vec::<String>::new());
    place.journal.vacant(&workspace).unwrap();
    assert_eq!(place.journal.sharers(&workspace, "alike").unwrap(), Vec::new());
    assert_eq!(names(&place), Vec::<String>::new());
    // The first change makes it.
    place.journal.prepare(&Preparation::default()).unwrap().undo().unwrap();
    assert_eq!(names(&place), ["journal"]);
}

#[test]
fn a_name_that_is_taken_ends_the_start_and_leaves_nothing() {
    let place = place();
    std::fs::write(place.root.path().join("later"), "mine").unwrap();
    assert!(place.journal.prepare(&preparation(&place)).is_err());
    // The way back leaves what it has not made.
    assert_eq!(names(&place), ["journal", "later"]);
    assert_eq!(std::fs::read(place.root.path().join("later")).unwrap(), b"mine");
}

/// Leaves the session as a killed process does: handles are closed, nothing is undone.
fn kill(mut prepared: Prepared<'_>) {
    prepared.nodes.clear();
    prepared.session = None;
}

#[test]
fn what_a_dead_session_left_is_undone_at_the_next_start() {
    let place = place();
    kill(place.journal.prepare(&preparation(&place)).unwrap());
    assert_eq!(names(&place), ["folder", "journal", "later"], "what goes with its handle is gone");
    std::fs::write(place.root.path().join("folder").join("kept"), "mine").unwrap();
    assert_eq!(place.journal.left().unwrap().len(), 3);
    let notes = place.journal.recover().unwrap();
    assert!(notes.iter().any(|note| note.contains("left alone")), "{notes:?}");
    assert_eq!(names(&place), ["folder", "journal"]);
    assert_eq!(place.journal.recover().unwrap(), Vec::<String>::new());
}

#[test]
fn torn_and_zeroed_files_do_not_hide_the_record() {
    for damage in [&b""[..], b"garth jou", &[0; 200]] {
        for slot in 0..2 {
            let place = place();
            kill(place.journal.prepare(&preparation(&place)).unwrap());
            let id = place.journal.store.sessions().unwrap().pop_first().unwrap();
            let file = place.root.path().join("journal").join(format!("{id}.{slot}"));
            std::fs::write(&file, damage).unwrap();
            place.journal.recover().unwrap();
            assert_eq!(names(&place), ["journal"], "slot {slot}");
        }
    }
}

#[test]
fn a_destroyed_journal_is_reported_and_stays() {
    let place = place();
    kill(place.journal.prepare(&preparation(&place)).unwrap());
    let id = place.journal.store.sessions().unwrap().pop_first().unwrap();
    for slot in 0..2 {
        let file = place.root.path().join("journal").join(format!("{id}.{slot}"));
        std::fs::write(&file, [0; 64]).unwrap();
    }
    let notes = place.journal.recover().unwrap();
    assert!(notes[0].contains("full of zeros"), "{notes:?}");
    assert_eq!(place.journal.left().unwrap().len(), 1);
}

#[test]
fn a_directory_of_the_session_goes_with_what_is_in_it() {
    let place = place();
    let path = place.path.join(b"own").unwrap();
    let directory = Directory { path: path.clone(), security: security(), reason: "test".into() };
    let preparation = Preparation { directories: vec![directory], ..Preparation::default() };
    match place.journal.prepare(&preparation) {
        Ok(prepared) => {
            std::fs::create_dir_all(place.root.path().join("own").join("deep")).unwrap();
            drop(prepared);
        }
        // Its access list does not read back here, so nothing is left of it either.
        Err(error) => assert!(matches!(error, Error::NotKept { .. }), "{error}"),
    }
    assert!(look(&path).object().is_none());
}

#[test]
fn a_pin_on_another_object_is_refused() {
    let place = place();
    let file = place.path.join(b"pinned").unwrap();
    std::fs::write(place.root.path().join("pinned"), "x").unwrap();
    let id = look(&file).object().unwrap().id;
    let pin = |expect| Preparation {
        pins: vec![Pin { path: file.clone(), expect, reason: "test".into() }],
        ..Preparation::default()
    };
    let prepared = place.journal.prepare(&pin(Some(id))).unwrap();
    assert!(std::fs::remove_file(place.root.path().join("pinned")).is_err());
    drop(prepared);
    // Made before the first goes, so that it cannot get its number.
    std::fs::create_dir(place.root.path().join("other")).unwrap();
    std::fs::remove_file(place.root.path().join("pinned")).unwrap();
    std::fs::rename(place.root.path().join("other"), place.root.path().join("pinned")).unwrap();
    assert!(place.journal.prepare(&pin(Some(id))).is_err());
}

#[test]
fn a_journal_that_is_held_is_not_waited_for_without_end() {
    let place = place();
    let held = place.journal.store.lock().unwrap();
    let error = place.journal.store.lock_within(std::time::Duration::from_millis(60)).unwrap_err();
    assert!(error.to_string().contains("another garth has held it"), "{error}");
    assert!(error.remedy().unwrap().contains("wait for it"));
    drop(held);
    place.journal.store.lock_within(std::time::Duration::from_millis(60)).unwrap();
}

#[test]
fn a_placeholder_holds_its_content_and_goes_with_it() {
    let place = place();
    let content = ".\n".to_owned();
    let taken = Reservation { content, ..reservation(&place, "commondir", NodeKind::File, Removal::AtEnd) };
    let preparation = Preparation { reservations: vec![taken], ..Preparation::default() };
    let file = place.root.path().join("commondir");
    let prepared = place.journal.prepare(&preparation).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), ".\n");
    prepared.undo().unwrap();
    assert!(!file.exists());
    // What somebody else wrote stays.
    let prepared = place.journal.prepare(&preparation).unwrap();
    std::fs::write(&file, "../elsewhere\n").unwrap();
    let notes = prepared.undo().unwrap();
    assert!(file.exists() && notes.iter().any(|note| note.contains("something else")), "{notes:?}");
}

/// What stays is made as a whole: where one change does not read back, or is not available, none is left.
#[test]
fn what_stays_is_made_as_a_whole_or_not_at_all() {
    let place = place();
    let expect = look(&place.path).object().unwrap().id;
    let entries = setup::PACKAGES.map(|sid| Ace::allow(sid, setup::ATTRIBUTES)).to_vec();
    let grant = Grant {
        path: place.path.clone(),
        expect,
        directory: true,
        entries,
        propagates: false,
        lifetime: Lifetime::Kept,
        reason: "test".into(),
    };
    let before = look(&place.path);
    // No machine has the second change without an administrator.
    let both = Record {
        changes: vec![Change::Grant(grant.clone()), Change::Loopback(derive::package("garth.test"))],
    };
    if let Err(error) = place.journal.make(&both) {
        assert!(!error.to_string().is_empty());
        assert_eq!(look(&place.path), before);
    }
    place.journal.clean().unwrap();
    assert_eq!(look(&place.path), before);
    assert_eq!(place.journal.left().unwrap(), Vec::<String>::new());
    assert_eq!(place.journal.store.sessions().unwrap().len(), 0);
    // Where entries are kept at all, they come and go.
    match place.journal.make(&Record { changes: vec![Change::Grant(grant)] }) {
        Ok(()) => {
            assert_eq!(place.journal.left().unwrap().len(), 1);
            place.journal.clean().unwrap();
        }
        Err(error) => assert!(matches!(error, Error::NotKept { .. }), "{error}"),
    }
    assert_eq!(look(&place.path), before);
}

#[test]
fn a_journal_that_speaks_of_what_is_never_changed_is_not_undone() {
    let place = used_place();
    let path = place.path.join(b"precious").unwrap();
    std::fs::create_dir(place.root.path().join("precious")).unwrap();
    let directory = Directory { path, security: security(), reason: "test".into() };
    let forged = Record { changes: vec![Change::Directory(directory)] };
    place.journal.store.save(store::KEPT, &forged).unwrap();
    let journal = Journal::at(&place.root.path().join("journal")).accepting(setup::is_ours);
    for error in [journal.clean().unwrap_err(), journal.left().unwrap_err()] {
        assert!(error.to_string().contains("never changed so"), "{error}");
    }
    assert_eq!(names(&place), ["journal", "precious"]);
}

fn holder(path: &AbsPath) -> Holder {
    Holder { process: 4711, since: 1_790_000_000, workspace: path.clone(), shared: None }
}

/// What an earlier session has made for later ones is in no record of those that find it there.
#[test]
fn what_is_kept_stays_while_a_session_lives() {
    let place = used_place();
    std::fs::create_dir(place.root.path().join("made")).unwrap();
    let directory =
        Directory { path: place.path.join(b"made").unwrap(), security: security(), reason: "test".into() };
    let kept = Record { changes: vec![Change::Directory(directory)] };
    place.journal.store.save(store::KEPT, &kept).unwrap();
    let prepared = place.journal.prepare(&preparation(&place)).unwrap();
    assert_eq!(place.journal.clean().unwrap(), Vec::<String>::new());
    assert!(place.root.path().join("made").exists());
    prepared.undo().unwrap();
    assert_eq!(place.journal.clean().unwrap().len(), 1);
    assert_eq!(names(&place), ["journal"]);
}

/// This process, as the holder of a workspace that others may share.
fn sharing(path: &AbsPath, likeness: &str) -> Holder {
    let began = crate::windows::sys::living::own_beginning().unwrap();
    let shared = Some(Box::new(Shared { began, likeness: likeness.to_owned(), lent: Vec::new() }));
    Holder { process: std::process::id(), shared, ..holder(path) }
}

/// The placeholders, one of each kind of removal, go with the last of those that share them, whichever that is.
#[test]
fn names_that_two_sandboxes_share_go_with_the_last_of_them() {
    for first_ends in [true, false] {
        for is_killed in [true, false] {
            let place = place();
            let prepared =
                || place.journal.prepare_for(&sharing(&place.path, "one"), &preparation(&place)).unwrap();
            let mut both = vec![prepared(), prepared()];
            let all = ["file", "folder", "journal", "later"];
            assert_eq!(place.journal.sharers(&place.path, "one").unwrap().len(), 2);
            let ending = both.remove(usize::from(!first_ends));
            if is_killed {
                kill(ending);
                assert_eq!(place.journal.recover().unwrap(), Vec::<String>::new());
            } else {
                assert_eq!(ending.undo().unwrap(), Vec::<String>::new());
            }
            assert_eq!(names(&place), all, "the other one has them still");
            // A third takes over from whoever is left.
            both.push(prepared());
            both.remove(0).undo().unwrap();
            assert_eq!(names(&place), all);
            both.remove(0).undo().unwrap();
            assert_eq!(names(&place), ["journal"]);
        }
    }
}

#[test]
fn what_would_not_hold_all_of_anothers_or_is_of_another_policy_is_refused() {
    let place = place();
    let held = place.journal.prepare_for(&sharing(&place.path, "one"), &preparation(&place)).unwrap();
    let less = Preparation { reservations: vec![], ..preparation(&place) };
    for (likeness, wanted) in [("other", preparation(&place)), ("one", less)] {
        let error = place.journal.prepare_for(&sharing(&place.path, likeness), &wanted).unwrap_err();
        assert!(matches!(&error, Error::Held(other) if other.process == std::process::id()), "{error}");
    }
    assert!(place.journal.vacant(&place.path).is_err());
    assert!(place.journal.sharers(&place.path, "other").is_err());
    held.undo().unwrap();
    assert_eq!(names(&place), ["journal"]);
}

/// A process that ended, and whose number another one has now, lends nothing; neither does a handle of something else.
#[test]
fn nothing_is_taken_over_from_another_process_or_by_another_handle() {
    let place = place();
    let held = place.journal.prepare_for(&sharing(&place.path, "one"), &preparation(&place)).unwrap();
    let id = place.journal.store.sessions().unwrap().pop_first().unwrap();
    let file = place.root.path().join("journal").join(format!("{id}.holder"));
    let honest = Holder::read(&std::fs::read(&file).unwrap()).unwrap();
    let journal = std::fs::File::open(place.root.path().join("journal").join("journal.lock")).unwrap();
    let other = Node::of(journal.as_handle(), "the journal").unwrap().number();
    let forged = [(0, honest.shared.clone().unwrap().lent[0].0), (1, other), (1, u64::MAX)];
    for (right, number) in forged {
        let mut shared = honest.shared.clone().unwrap();
        shared.began = shared.began * right + 1 - right;
        shared.lent[0].0 = number;
        std::fs::write(&file, Holder { shared: Some(shared), ..honest.clone() }.to_text()).unwrap();
        let error =
            place.journal.prepare_for(&sharing(&place.path, "one"), &preparation(&place)).unwrap_err();
        assert!(error.to_string().contains("ended at this moment"), "{error}");
        assert_eq!(names(&place), ["file", "folder", "journal", "later"], "the first one has them still");
    }
    held.undo().unwrap();
    assert_eq!(names(&place), ["journal"]);
}

#[test]
fn a_workspace_in_which_another_sandbox_lives_is_refused_and_left_as_it_is() {
    let place = place();
    let work = place.path.join(b"work").unwrap();
    let prepared = place.journal.prepare_for(&holder(&work), &preparation(&place)).unwrap();
    let before = names(&place);
    let files = || std::fs::read_dir(place.root.path().join("journal")).unwrap().count();
    let written = files();
    let nothing = Preparation::default();
    for other in [&work, &place.path, &work.join(b"inner").unwrap()] {
        let error = place.journal.prepare_for(&holder(other), &nothing).unwrap_err();
        assert_eq!(error, Error::Held(holder(&work)));
        assert!(
            error.to_string().contains("process 4711")
                && error.remedy().unwrap().contains("taskkill /pid 4711")
        );
        assert_eq!((names(&place), files()), (before.clone(), written), "nothing was changed");
    }
    assert_eq!(place.journal.vacant(&work), Err(Error::Held(holder(&work))));
    // Beside it there is room, and after it too.
    let beside = place.path.join(b"workshop").unwrap();
    place.journal.prepare_for(&holder(&beside), &nothing).unwrap().undo().unwrap();
    drop(prepared);
    place.journal.vacant(&work).unwrap();
    place.journal.prepare_for(&holder(&work), &nothing).unwrap().undo().unwrap();
    place.journal.recover().unwrap();
    assert_eq!(files(), 1, "the lock alone");
}

#[test]
fn a_dead_session_holds_nothing() {
    let place = place();
    kill(place.journal.prepare_for(&holder(&place.path), &preparation(&place)).unwrap());
    place.journal.recover().unwrap();
    place.journal.prepare_for(&holder(&place.path), &preparation(&place)).unwrap().undo().unwrap();
}

#[test]
fn a_living_session_that_does_not_say_where_it_is_holds_everything() {
    let place = place();
    let prepared = place.journal.prepare_for(&holder(&place.path), &preparation(&place)).unwrap();
    let id = place.journal.store.sessions().unwrap().pop_first().unwrap();
    for damage in [&b""[..], b"garth hol", &[0; 64]] {
        std::fs::write(place.root.path().join("journal").join(format!("{id}.holder")), damage).unwrap();
        let elsewhere = AbsPath::windows(r"C:\elsewhere").unwrap();
        let error = place.journal.prepare_for(&holder(&elsewhere), &Preparation::default()).unwrap_err();
        assert!(error.to_string().contains("does not say where"), "{error}");
        assert!(error.remedy().unwrap().contains("task manager"));
    }
    drop(prepared);
}

#[test]
fn with_a_kept_record_that_is_destroyed_nothing_is_changed() {
    let place = used_place();
    for slot in 0..2 {
        let file = place.root.path().join("journal").join(format!("{}.{slot}", store::KEPT));
        std::fs::write(file, [0; 64]).unwrap();
    }
    let error = place.journal.prepare_for(&holder(&place.path), &preparation(&place)).unwrap_err();
    assert!(error.to_string().contains("full of zeros"), "{error}");
    assert!(error.remedy().unwrap().contains("kept.0 and "));
    assert_eq!(names(&place), ["journal"]);
    assert_eq!(place.journal.store.sessions().unwrap().len(), 0);
}
