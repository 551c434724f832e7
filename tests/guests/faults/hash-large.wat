;; Has 4 MB hashed in one call for each request, and lets it pass.
(import "tollgate:plugin/crypto@0.1.0" "hash" (func $hash (param i32 i32 i32 i32)))
(memory $memory (export "memory") 100)
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (call $hash (i32.const 2) (i32.const 65536) (i32.const 4000000) (i32.const 512))
  (i32.const 128))
