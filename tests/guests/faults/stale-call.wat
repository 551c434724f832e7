;; Starts a call for its first request and takes the answer in the next one. Traps unless that is an
;; error: `unknown-call`.
(import "tollgate:plugin/http-client@0.1.0" "submit" (func $submit (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
(import "tollgate:plugin/http-client@0.1.0" "take" (func $take (param i32 i32)))
(data (i32.const 512) "web")
(data (i32.const 520) "GET")
(data (i32.const 528) "/x")
(global $call (mut i32) (i32.const 0))
(func $ask (result i32)
  (call $submit
    (i32.const 0) (i32.const 512) (i32.const 3)
    (i32.const 520) (i32.const 3)
    (i32.const 528) (i32.const 2)
    (i32.const 0) (i32.const 0)
    (i32.const 0) (i32.const 0)
    (i32.const 0)))
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (if (global.get $call)
    (then
      (call $take (global.get $call) (i32.const 1024))
      (if (i32.ne (i32.load8_u (i32.const 1024)) (i32.const 1)) (then (unreachable)))
      (if (i32.ne (i32.load8_u (i32.const 1028)) (i32.const 7)) (then (unreachable))))
    (else (global.set $call (call $ask))))
  (i32.const 128))
