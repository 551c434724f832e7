;; Traps in `describe`, in a function whose name would colour a terminal and begin a line of its own.
(func $forges (@name "forges\1b[31m\07\0d\0aFORGED: all is well\e2\80\ae") unreachable)
(func (export "tollgate:plugin/lifecycle@0.1.0#describe") (result i32) (call $forges) (i32.const 64))
