;; Has a `describe` that tells nothing, and a hook that gives no verdict.
(component
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func $nothing (canon lift (core func $i "f")))
  (instance $lifecycle (export "describe" (func $nothing)) (export "configure" (func $nothing)))
  (instance $filter (export "on-request" (func $nothing)) (export "on-request-body" (func $nothing)))
  (export "tollgate:plugin/lifecycle@0.1.0" (instance $lifecycle))
  (export "tollgate:plugin/request-filter@0.1.0" (instance $filter)))
