//! Notes the commit, so that every run can name it.

fn main() {
    anthill_stamp::stamp(&["src", "../src"]);
}
