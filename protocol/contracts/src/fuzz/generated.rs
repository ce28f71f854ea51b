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
        let config = wasm_smith::Config {
            available_imports: Some(assembled(shape)),
            exports: (seed % 4 != 0).then(|| assembled(exports)),
            allow_floats: seed % 5 == 0,
            simd_enabled: seed % 7 == 0,
            tail_call_enabled: seed % 11 == 0,
            extended_const_enabled: false,
            exceptions_enabled: false,
            gc_enabled: false,
            memory64_enabled: false,
            threads_enabled: false,
            relaxed_simd_enabled: false,
            wide_arithmetic_enabled: false,
            custom_page_sizes_enabled: false,
            allow_start_export: seed % 6 == 0,
            max_memories: 1,
            max_tables: 1,
            // Now and then beyond what is allowed.
            max_memory32_bytes: 18 << 16,
            max_table_elements: 1_100,
            ..wasm_smith::Config::default()
        };
        let mut unstructured = arbitrary::Unstructured::new(&bytes);
        let Ok(module) = wasm_smith::Module::new(config, &mut unstructured) else { continue };
        accepted += u32::from(survives(&module.to_bytes(), seed));
    }
    assert!(accepted > 20, "only {accepted} of the modules were accepted");
}
