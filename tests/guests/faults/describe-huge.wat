;; Has a config schema of 40 MiB.
(memory $memory (export "memory") 700)
(func (export "tollgate:plugin/lifecycle@0.1.0#describe") (result i32)
  (i32.store (i32.const 88) (i32.const 65536))
  (i32.store (i32.const 92) (i32.const 41943040))
  (i32.const 64))
