;; Takes its configuration the first time, and traps when a second instance is given it.
(import "tollgate:plugin/kv@0.1.0" "increment" (func $increment (param i32 i32 i64 i32 i32)))
(func (export "tollgate:plugin/lifecycle@0.1.0#configure") (param i32 i32) (result i32)
  (call $increment (i32.const 1024) (i32.const 5) (i64.const 1) (i32.const 0) (i32.const 512))
  (if (i64.gt_s (i64.load (i32.const 520)) (i64.const 1)) (then (unreachable)))
  (i32.const 128))
