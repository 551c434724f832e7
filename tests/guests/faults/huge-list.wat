;; Answers with a hundred million header fields, which it has not.
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (i32.store8 (i32.const 256) (i32.const 1))
  (i32.store16 (i32.const 264) (i32.const 200))
  (i32.store (i32.const 268) (i32.const 512))
  (i32.store (i32.const 272) (i32.const 100000000))
  (i32.const 256))
