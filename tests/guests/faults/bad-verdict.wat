;; Gives a verdict that the interface has not.
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (i32.store8 (i32.const 256) (i32.const 9))
  (i32.const 256))
