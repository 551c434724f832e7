;; Wants more of WASI's randomness at once than the gateway gives.
;; world: include tollgate:plugin/request-plugin@0.1.0; import wasi:random/random@0.2.0;
;; wit: package wasi:random@0.2.0 { interface random { get-random-bytes: func(len: u64) -> list<u8>; } }
(import "wasi:random/random@0.2.0" "get-random-bytes" (func $bytes (param i64 i32)))
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (call $bytes (i64.const 65536) (i32.const 256))
  (if (i32.ne (i32.load (i32.const 260)) (i32.const 65536)) (then (return (i32.const 0))))
  (call $bytes (i64.const 65537) (i32.const 256))
  (i32.const 128))
