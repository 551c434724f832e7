;; Divides by zero.
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32) (i32.div_u (i32.const 1) (i32.load (i32.const 4))))
