;; Throws an exception, as no plugin can.
(tag $thrown)
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (throw $thrown))
