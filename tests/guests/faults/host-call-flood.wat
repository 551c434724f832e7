;; Calls the host for ever.
(import "tollgate:plugin/clock@0.1.0" "unix-ms" (func $now (result i64)))
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (loop $on
    (drop (call $now))
    (br $on))
  (unreachable))
