;; Traps when it is given its configuration.
(func (export "tollgate:plugin/lifecycle@0.1.0#configure") (param i32 i32) (result i32) (unreachable))
