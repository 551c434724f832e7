;; Has a config schema of 512 KiB, most of it spaces.
(memory $memory (export "memory") 10)
(func (export "tollgate:plugin/lifecycle@0.1.0#describe") (result i32)
  (memory.fill (i32.const 65536) (i32.const 0x20) (i32.const 524288))
  (i32.store16 (i32.const 65536) (i32.const 0x7d7b))
  (i32.store (i32.const 88) (i32.const 65536))
  (i32.store (i32.const 92) (i32.const 524288))
  (i32.const 64))
