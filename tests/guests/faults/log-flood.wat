;; Writes log lines for ever.
(import "tollgate:plugin/log@0.1.0" "write" (func $write (param i32 i32 i32)))
(data (i32.const 512) "the sky is falling")
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (loop $on
    (call $write (i32.const 3) (i32.const 512) (i32.const 18))
    (br $on))
  (unreachable))
