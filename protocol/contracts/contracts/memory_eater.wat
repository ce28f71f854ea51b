;; Grows its memory until it may not.
(module
  (memory (export "memory") 1)
  (func (export "call")
    (loop (drop (memory.grow (i32.const 1))) (br 0))))
