;; Stores something when it is asked what it is.
(import "tollgate:plugin/kv@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32 i32)))
(func (export "tollgate:plugin/lifecycle@0.1.0#describe") (result i32)
  (call $set (i32.const 1024) (i32.const 5) (i32.const 1024) (i32.const 5) (i32.const 0) (i32.const 512))
  (i32.const 64))
