;; Calls itself until the stack is full.
(module
  (memory (export "memory") 1)
  (func $call (export "call") (call $call)))
