use super::super::acl::LabelPolicy;
use super::*;

fn read(text: &str) -> SecurityDescriptor {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> (usize, SddlProblem) {
    let error: SddlError = text.parse::<SecurityDescriptor>().expect_err(text);
    (error.column, error.what)
}

#[test]
fn descriptors_of_windows_round() {
    let texts = [
        "",
        "D:",
        "S:",
        "D:NO_ACCESS_CONTROL",
        "D:PNO_ACCESS_CONTROL",
        "O:BAG:SYD:PAI(A;;FA;;;BA)",
        // A key of the system and a service, as published.
        "O:BAG:SYD:AI(A;CIID;KR;;;BU)(A;CIID;KA;;;BA)(A;CIID;KA;;;SY)(A;CIIOID;KA;;;CO)(A;CIID;KR;;;AC)S:AI",
        "O:S-1-5-21-1-2-3-1001G:S-1-5-21-1-2-3-513D:(D;OICI;SDWD;;;WD)(A;OICI;0x1301bf;;;AU)",
        "D:(A;;FR;;;WD)S:(ML;OICI;NWNR;;;LW)",
        "S:(AU;SAFA;CCDCLCRPSDRCWDWO;;;WD)(ML;;NX;;;HI)",
        "D:ARAI(A;OICINPIOID;GXGR;;;S-1-15-2-2)",
    ];
    for text in texts {
        assert_eq!(read(text).to_string(), text);
        let bytes = read(text).to_bytes().unwrap();
        assert_eq!(SecurityDescriptor::read(&bytes), Ok(read(text)), "{text}");
    }
}

#[test]
fn other_spellings_mean_the_same() {
    assert_eq!(read("D:(A;;0X1F01FF;;;S-1-1-0)").to_string(), "D:(A;;FA;;;WD)");
    assert_eq!(read("D:(A;;GRGW;;;WD)"), read("D:(A;;GWGRGW;;;WD)"));
    assert_eq!(read("S:D:G:BAO:SY").to_string(), "O:SYG:BAD:S:");
    assert_eq!(read("O:S-1-5-18D:").owner, Some(known::SYSTEM));
    assert_eq!(read("D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)").dacl.aces()[0].mask, AccessMask(0x000f_01ff));
    assert_eq!(read("D:(A;;;;;WD)").dacl.aces()[0].mask, AccessMask::NONE);
    assert_eq!(
        read("S:(ML;;0x3;;;ME)").label().unwrap().mask,
        LabelPolicy::NO_WRITE_UP | LabelPolicy::NO_READ_UP
    );
}

/// The first example of "Security descriptor string format" in Microsoft's documentation, with a group that does not
/// depend on the domain.
#[test]
fn the_documented_example_means_what_the_documentation_says() {
    let example = "O:AOG:DAD:(A;;RPWPCCDCLCSWRCWDWOGA;;;S-1-0-0)";
    assert_eq!(refused(example), (7, SddlProblem::Relative("DA".into())));
    let read = read(&example.replace("DA", "SY"));
    assert_eq!(read.owner.unwrap().to_string(), "S-1-5-32-548");
    let [entry] = read.dacl.aces() else { panic!("one entry") };
    let named = AccessMask::READ_CONTROL | AccessMask::WRITE_DAC | AccessMask::WRITE_OWNER;
    assert_eq!(entry.mask, named | AccessMask::GENERIC_ALL | AccessMask(0x3f));
    assert_eq!((entry.kind, entry.flags, entry.sid), (AceKind::Allow, AceFlags::NONE, known::NOBODY));
    assert_eq!((read.control, read.sacl), (Control::NONE, Listed::Absent));
}

#[test]
fn what_is_wrong_is_said_with_its_column() {
    let cases = [
        ("X:", 1, SddlProblem::Section),
        ("O", 1, SddlProblem::Section),
        (" O:BA", 1, SddlProblem::Section),
        ("O:BAO:BA", 5, SddlProblem::Twice),
        ("D:S:D:", 5, SddlProblem::Twice),
        ("D:Q", 3, SddlProblem::Control),
        ("D:P(A;;GA;;;WD)AI", 16, SddlProblem::Section),
        ("D:(A;;GA;;;WD", 3, SddlProblem::Unclosed),
        ("D:(A;;GA;;WD)", 3, SddlProblem::Parts(5)),
        ("D:(A;;GA;;;WD;x)", 3, SddlProblem::Parts(7)),
        ("D:(B;;GA;;;WD)", 4, SddlProblem::Kind("B".into())),
        ("D:()", 4, SddlProblem::Kind(String::new())),
        ("D:(ML;;NW;;;LW)", 4, SddlProblem::Place),
        ("S:(A;;GA;;;WD)", 4, SddlProblem::Place),
        ("D:(A;OX;GA;;;WD)", 6, SddlProblem::Flags("OX".into())),
        ("D:(A;O;GA;;;WD)", 6, SddlProblem::Flags("O".into())),
        ("D:(A;CR;GA;;;WD)", 6, SddlProblem::Flags("CR".into())),
        ("D:(A;;GQ;;;WD)", 7, SddlProblem::Rights("GQ".into())),
        ("D:(A;;NW;;;WD)", 7, SddlProblem::Rights("NW".into())),
        ("D:(A;;0x;;;WD)", 7, SddlProblem::Rights("0x".into())),
        ("D:(A;;0x+1;;;WD)", 7, SddlProblem::Rights("0x+1".into())),
        ("D:(A;;0x100000000;;;WD)", 7, SddlProblem::Rights("0x100000000".into())),
        ("D:(A;;é;;;WD)", 7, SddlProblem::Rights("é".into())),
        ("D:(A;;GA;x;;WD)", 10, SddlProblem::ObjectType),
        ("D:(A;;GA;;;)", 12, SddlProblem::Alias(String::new())),
        ("D:(A;;GA;;;QQ)", 12, SddlProblem::Alias("QQ".into())),
        ("D:(A;;GA;;;wd)", 12, SddlProblem::Alias("wd".into())),
        ("D:(A;;GA;;;DA)", 12, SddlProblem::Relative("DA".into())),
        ("O:LAD:", 3, SddlProblem::Relative("LA".into())),
        ("D:(A;;GA;;;S-1-5)", 12, SddlProblem::Sid(SidError::Count(0))),
        ("S:(ML;;NW;;;WD)", 3, SddlProblem::Label),
        ("S:(ML;;0x8;;;LW)", 3, SddlProblem::Label),
        ("O:é:", 3, SddlProblem::Alias(String::new())),
        ("D:(A;;GA;;;WD)é:", 15, SddlProblem::Section),
    ];
    for (text, column, what) in cases {
        assert_eq!(refused(text), (column, what), "{text}");
    }
}

#[test]
fn what_cannot_be_decided_is_refused_by_name() {
    let (column, what) = refused("D:(A;;GA;;;SY)(XA;;GA;;;WD;(@User.a == \"x;)\"))");
    assert_eq!((column, what.to_string()), (16, "conditional allow entries cannot be decided here".into()));
    for (word, name) in words::UNDECIDED {
        assert_eq!(refused(&format!("D:({word};;;;;WD)")).1, SddlProblem::Undecidable(name));
        assert_eq!(refused(&format!("S:({word};;;;;WD)")).1, SddlProblem::Undecidable(name));
    }
}

#[test]
fn a_list_that_no_descriptor_holds_is_refused() {
    let text = format!("D:{}", "(A;;GA;;;WD)".repeat(4000));
    assert_eq!(refused(&text), (3, SddlProblem::TooLong));
    // Far more than fits, in linear time.
    let text = format!("D:{}", "(A;;GA;;;WD)".repeat(400_000));
    assert_eq!(refused(&text), (3, SddlProblem::TooLong));
}
