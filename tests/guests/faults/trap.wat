;; Traps at once.
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32) (unreachable))
