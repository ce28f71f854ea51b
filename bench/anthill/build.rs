//! Records which commit the binary was built from, so that every manifest can name it.

fn main() {
    anthill_stamp::stamp(&[
        "src",
        "../src",
        "../shipped",
        "../scenarios",
        "../../engine",
        "../../protocol",
    ]);
}
