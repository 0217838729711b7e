use crate::place::Place;

/// That each attack is held is shown elsewhere; here, that the verb reaches the corpus and tells of it.
#[test]
fn tells_of_attacks_in_words_and_in_json() {
    let place = Place::new("prove");
    let said = place.garth(&["prove", "--only", "limits.file"]);
    assert!(said.code == Some(0) || said.code == Some(1), "{}{}", said.out, said.err);
    assert!(said.out.contains("limits.file"), "{}", said.out);
    assert!(said.out.contains("1 attacks, "), "{}", said.out);
    let json = place.garth(&["prove", "--json", "--only", "limits.file"]);
    assert_eq!(json.code, said.code, "{}", json.err);
    assert!(json.json().to_string().contains("limits.file"), "{}", json.out);
}

#[test]
fn knows_its_tiers() {
    let said = Place::new("prove-tier").garth(&["prove", "--tier", "strong"]).expect(2);
    assert!(said.err.contains("auto, process, landlock"), "{}", said.err);
}
