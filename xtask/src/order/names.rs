//! Names of functions without what differs from one compiler to the next.

/// A pattern, as linker scripts have them, that the name of the same function has under another compiler as well. In
/// Rust's names (RFC 2603) that is the number of a crate, `Cs…_`, and what counts characters from the start, `B…_`.
pub fn pattern(name: &str) -> String {
    let name = name.split_once(".llvm.").map_or(name, |(name, _)| name);
    if !name.starts_with("_R") {
        return name.to_owned();
    }
    let mut pattern = String::new();
    let mut rest = name;
    while let Some(at) = rest.find(['C', 'B']) {
        let (before, from) = rest.split_at(at);
        pattern.push_str(before);
        let kept = if from.starts_with("Cs") { 2 } else { 1 };
        let number = from[kept..].bytes().take_while(u8::is_ascii_alphanumeric).count();
        let ends = from[kept + number..].starts_with('_');
        pattern.push_str(&from[..kept]);
        if ends && (kept == 2 || from.starts_with('B')) {
            pattern.push('*');
            rest = &from[kept + number..];
        } else {
            rest = &from[kept..];
        }
    }
    pattern + rest
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn what_differs_between_compilers_is_left_open() {
        let name = "_RNvMs3_NtNtCsgEmfK2I1SDS_4core3ffi5c_strNtB5_4CStr19from_bytes_with_nul";
        assert_eq!(pattern(name), "_RNvMs3_NtNtCs*_4core3ffi5c_strNtB*_4CStr19from_bytes_with_nul");
        assert_eq!(pattern("_RNvC5garth4main.llvm.123"), "_RNvC5garth4main");
        assert_eq!(pattern("__libc_start_main"), "__libc_start_main");
    }
}
