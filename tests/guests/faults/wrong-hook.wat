;; Asks for the response's status when there is no response.
(import "tollgate:plugin/response@0.1.0" "status" (func $status (result i32)))
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (drop (call $status))
  (i32.const 128))
