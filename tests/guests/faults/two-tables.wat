;; Makes two tables a thousand elements longer, both together, and traps if it may not.
(table $one 1 funcref)
(table $other 1 funcref)
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (if (i32.eq (table.grow $one (ref.null func) (i32.const 500)) (i32.const -1)) (then (unreachable)))
  (if (i32.eq (table.grow $other (ref.null func) (i32.const 500)) (i32.const -1)) (then (unreachable)))
  (i32.const 128))
