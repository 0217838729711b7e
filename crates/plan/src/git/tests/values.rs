use super::{allowed, refused};

#[test]
fn values_by_kind() {
    for good in ["true", "FALSE", "yes", "0", "\"\""] {
        allowed("", &format!("[core]\n\tfileMode = {good}\n"));
    }
    for good in ["0", "10", "-1", "1k", "2M", "3g"] {
        allowed("", &format!("[core]\n\tbigFileThreshold = {good}\n"));
    }
    for bad in ["", "k", "-", "1kk", "0x1", "1 2"] {
        refused("", &format!("[core]\n\tbigFileThreshold = {bad}\n"));
    }
    for bad in ["2", "tru", "./x", "-1"] {
        refused("", &format!("[core]\n\tfileMode = {bad}\n"));
    }
    for good in ["blob:none", "tree:0", "blob:limit=1m", "combine:blob:none+tree:3"] {
        allowed("", &format!("[remote \"o\"]\n\tpartialCloneFilter = {good}\n"));
    }
    for bad in ["-x", "a b", "$(x)", "sparse:oid=`x`"] {
        refused("", &format!("[remote \"o\"]\n\tpartialCloneFilter = \"{bad}\"\n"));
    }
}
