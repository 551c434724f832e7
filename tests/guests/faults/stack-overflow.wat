;; Calls itself until there is no stack.
(func $deeper (param i64) (result i64)
  (i64.add (call $deeper (i64.add (local.get 0) (i64.const 1))) (local.get 0)))
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (drop (call $deeper (i64.const 0)))
  (i32.const 128))
