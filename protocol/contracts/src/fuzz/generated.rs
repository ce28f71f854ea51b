//! Valid modules out of noise, most of them no contracts.

use super::*;

#[test]
fn generated_modules_are_refused_or_run_alike_everywhere() {
    let shape = r#"(module
        (import "env" "set" (func (param i32 i32 i32 i32)))
        (import "env" "transfer" (func (param i32 i64) (result i32)))
        (import "env" "get" (func (param i32 i32 i32 i32) (result i32))))"#;
    let exports = r#"(module (memory (export "memory") 1)
        (func (export "init")) (func (export "call")))"#;
    let assembled = |text: &str| wat::parse_str(text).expect("a module");
    let mut accepted = 0;
    for seed in 0..400 {
        let bytes = Noise::of(seed).bytes(4_096);
        let mut config = wasm_smith::Config::default();
        config.available_imports = Some(assembled(shape));
        config.exports = (seed % 4 != 0).then(|| assembled(exports));
        config.allow_floats = seed % 5 == 0;
        config.simd_enabled = seed % 7 == 0;
        config.tail_call_enabled = seed % 11 == 0;
        config.extended_const_enabled = false;
        config.exceptions_enabled = false;
        config.gc_enabled = false;
        config.memory64_enabled = false;
        config.threads_enabled = false;
        config.relaxed_simd_enabled = false;
        config.wide_arithmetic_enabled = false;
        config.custom_page_sizes_enabled = false;
        config.allow_start_export = seed % 6 == 0;
        config.max_memories = 1;
        config.max_tables = 1;
        // Now and then beyond what is allowed.
        config.max_memory32_bytes = 18 << 16;
        config.max_table_elements = 1_100;
        let mut unstructured = arbitrary::Unstructured::new(&bytes);
        let Ok(module) = wasm_smith::Module::new(config, &mut unstructured) else { continue };
        accepted += u32::from(survives(&module.to_bytes(), seed));
    }
    assert!(accepted > 20, "only {accepted} of the modules were accepted");
}
