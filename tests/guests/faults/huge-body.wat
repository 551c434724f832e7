;; Answers with a body of 32 MiB.
(memory $memory (export "memory") 600)
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (i32.store8 (i32.const 256) (i32.const 1))
  (i32.store16 (i32.const 264) (i32.const 200))
  (i32.store (i32.const 276) (i32.const 65536))
  (i32.store (i32.const 280) (i32.const 33554432))
  (i32.const 256))
