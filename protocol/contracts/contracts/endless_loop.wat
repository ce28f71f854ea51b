;; Runs until its fuel is used up.
(module
  (memory (export "memory") 1)
  (func (export "call") (loop (br 0))))
