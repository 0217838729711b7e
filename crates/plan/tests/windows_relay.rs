//! Two ends of the relay's pipe, with what is sent cut into any pieces.

#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use garth_plan::windows::relay::{Event, LONGEST, MOST_STREAMS, Mux, Side, Target, Violation, WINDOW};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What the user of one end has seen.
#[derive(Debug, Default)]
struct Seen {
    data: BTreeMap<u32, Vec<u8>>,
    held: BTreeMap<u32, usize>,
    finished: Vec<u32>,
    opened: Vec<u32>,
}

impl Seen {
    fn take(&mut self, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Opened(stream, _) => self.opened.push(stream),
                Event::Data(stream, bytes) => {
                    assert!(!self.finished.contains(&stream), "data after the end");
                    let held = self.held.entry(stream).or_default();
                    *held += bytes.len();
                    assert!(*held <= WINDOW as usize, "more is held than the window");
                    self.data.entry(stream).or_default().extend(bytes);
                }
                Event::Finished(stream) => self.finished.push(stream),
                Event::Reset(_) | Event::Writable(_) => {}
            }
        }
    }
}

/// Hands over what waits, in pieces.
fn carry(from: &mut Mux, to: &mut Mux, seen: &mut Seen, piece: usize) -> bool {
    let bytes = from.take_output();
    for piece in bytes.chunks(piece) {
        seen.take(to.receive(piece).unwrap());
    }
    !bytes.is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_byte_arrives_once_and_in_order(
        sizes in prop::collection::vec((0_usize..200_000, 500_usize..70_000), 1..6), piece in 1_usize..20_000,
        slow in any::<bool>(),
    ) {
        let (mut inside, mut outside) = (Mux::new(Side::Inside), Mux::new(Side::Outside));
        let (mut there, mut back) = (Seen::default(), Seen::default());
        let wanted: Vec<(u32, Vec<u8>, usize)> = sizes
            .iter()
            .enumerate()
            .map(|(at, (size, step))| {
                let bytes = (0..*size).map(|byte| u8::try_from((byte * 7 + at) % 251).unwrap()).collect();
                (inside.open(Target::Proxy).unwrap(), bytes, *step)
            })
            .collect();
        let mut sent = vec![0; wanted.len()];
        let mut rounds = 0;
        loop {
            rounds += 1;
            prop_assert!(rounds < 10_000, "it stands still");
            for (at, (stream, bytes, step)) in wanted.iter().enumerate() {
                let end = (sent[at] + step).min(bytes.len());
                sent[at] += inside.send(*stream, &bytes[sent[at]..end]);
                if sent[at] == bytes.len() {
                    inside.finish(*stream);
                }
            }
            carry(&mut inside, &mut outside, &mut there, piece);
            // A slow reader deals with one stream at a time; the others go on as far as their windows allow.
            for (stream, held) in there.held.iter_mut() {
                if !slow || *stream == wanted[rounds % wanted.len()].0 {
                    outside.consumed(*stream, core::mem::take(held));
                }
            }
            carry(&mut outside, &mut inside, &mut back, piece);
            if there.finished.len() == wanted.len() {
                break;
            }
        }
        for (stream, bytes, _) in &wanted {
            let got = there.data.get(stream).map_or(&[][..], Vec::as_slice);
            prop_assert!(got == bytes.as_slice(), "stream {}", stream);
            outside.finish(*stream);
        }
        carry(&mut outside, &mut inside, &mut back, piece);
        prop_assert_eq!((inside.open_streams(), outside.open_streams()), (0, 0));
    }

    #[test]
    fn any_bytes_are_events_or_a_violation(bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1_usize..40) {
        let mut mux = Mux::new(Side::Outside);
        for piece in bytes.chunks(piece) {
            if mux.receive(piece).is_err() {
                break;
            }
        }
    }
}

#[test]
fn nothing_is_taken_beyond_the_window() {
    let (mut inside, mut outside) = (Mux::new(Side::Inside), Mux::new(Side::Outside));
    let stream = inside.open(Target::Proxy).unwrap();
    assert_eq!(inside.send(stream, &vec![1; 100_000]), WINDOW as usize);
    assert_eq!(inside.send(stream, &[1]), 0);
    let other = inside.open(Target::Proxy).unwrap();
    assert_eq!(inside.send(other, b"goes on"), 7);
    outside.receive(&inside.take_output()).unwrap();
    outside.consumed(stream, 100_000);
    let events = inside.receive(&outside.take_output()).unwrap();
    assert_eq!(events, [Event::Writable(stream)]);
    assert_eq!(inside.send(stream, &vec![1; 100_000]), WINDOW as usize);
}

#[test]
fn there_is_room_for_what_is_taken() {
    let (mut inside, mut outside) = (Mux::new(Side::Inside), Mux::new(Side::Outside));
    let stream = inside.open(Target::Proxy).unwrap();
    assert_eq!(inside.room(stream), WINDOW as usize);
    assert_eq!(inside.send(stream, &[1; 40_000]), 40_000);
    let left = inside.room(stream);
    assert_eq!((left, inside.send(stream, &[1; 40_000])), (WINDOW as usize - 40_000, left));
    assert_eq!(inside.room(stream), 0);
    outside.receive(&inside.take_output()).unwrap();
    outside.consumed(stream, 40_000);
    // Who found no room is told of it, as who sent too much is.
    assert_eq!(inside.receive(&outside.take_output()).unwrap(), [Event::Writable(stream)]);
    assert_eq!(inside.room(stream), 40_000);
    // A pipe that is full has room for nobody.
    let many: Vec<u32> = (0..8).map(|_| inside.open(Target::Proxy).unwrap()).collect();
    for stream in &many {
        inside.send(*stream, &vec![1; WINDOW as usize]);
    }
    assert!(inside.is_full());
    assert_eq!(inside.room(stream), 0);
    inside.finish(many[0]);
    assert!(inside.waiting() > 0 && !inside.take_output().is_empty() && inside.waiting() == 0);
    assert_eq!((inside.room(stream), inside.room(many[0]), inside.room(999)), (40_000, 0, 0));
}

fn frame(kind: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_le_bytes();
    [&[kind][..], &stream.to_le_bytes(), &length, content].concat()
}

#[test]
fn what_breaks_the_protocol_is_named() {
    let open = frame(1, 1, &[0; 3]);
    for (bytes, violation) in [
        (frame(9, 1, &[]), Violation::Kind(9)),
        (frame(1, 1, &[0]), Violation::Length(1)),
        (frame(1, 1, &[9, 0, 0]), Violation::Target(1)),
        (frame(1, 1, &[0, 1, 0]), Violation::Target(1)),
        (frame(1, 1, &[2, 0, 0]), Violation::Target(1)),
        // A server inside is for the other side to reach.
        (frame(1, 1, &[3, 1, 0]), Violation::Target(1)),
        (frame(2, 1, &[]), Violation::Length(0)),
        (frame(2, 1, &vec![0; LONGEST + 1]), Violation::Length(16_385)),
        (frame(1, 2, &[0; 3]), Violation::Number(2)),
        (frame(1, 0, &[0; 3]), Violation::Number(0)),
        (frame(2, 7, &[0]), Violation::Number(7)),
        ([open.clone(), open.clone()].concat(), Violation::Number(1)),
        ([open.clone(), frame(5, 1, &[1, 0, 0, 0])].concat(), Violation::Window(1)),
        ([open.clone(), frame(3, 1, &[]), frame(2, 1, &[0])].concat(), Violation::AfterEnd(1)),
        ([open.clone(), frame(2, 1, &vec![0; LONGEST]).repeat(5)].concat(), Violation::Window(1)),
    ] {
        assert_eq!(Mux::new(Side::Outside).receive(&bytes), Err(violation));
    }
    let many: Vec<u8> =
        (0..=u32::try_from(MOST_STREAMS).unwrap()).flat_map(|at| frame(1, at * 2 + 1, &[0; 3])).collect();
    assert_eq!(Mux::new(Side::Outside).receive(&many), Err(Violation::Streams));
}

#[test]
fn a_stream_that_was_given_up_may_still_be_sent_to() {
    let (mut inside, mut outside) = (Mux::new(Side::Inside), Mux::new(Side::Outside));
    let stream = inside.open(Target::Proxy).unwrap();
    inside.send(stream, b"late");
    outside.receive(&frame(1, 1, &[0; 3])).unwrap();
    outside.reset(stream);
    let late = inside.take_output();
    assert_eq!(outside.receive(&late[10..]).unwrap(), []);
    assert_eq!(inside.receive(&outside.take_output()).unwrap(), [Event::Reset(stream)]);
    assert_eq!(inside.send(stream, b"x"), 0);
}

#[test]
fn each_side_opens_streams_to_the_other_only() {
    let (mut inside, mut outside) = (Mux::new(Side::Inside), Mux::new(Side::Outside));
    let mut came = Vec::new();
    for target in [Target::Proxy, Target::Names, Target::HostPort(5432)] {
        assert_eq!(outside.open(target), None);
        let stream = inside.open(target).unwrap();
        let events = outside.receive(&inside.take_output()).unwrap();
        assert_eq!(events, [Event::Opened(stream, target)]);
        came.push(stream);
    }
    assert_eq!(inside.open(Target::Inside(3000)), None);
    let stream = outside.open(Target::Inside(3000)).unwrap();
    assert_eq!(
        inside.receive(&outside.take_output()).unwrap(),
        [Event::Opened(stream, Target::Inside(3000))]
    );
    assert!(!came.contains(&stream));
}
