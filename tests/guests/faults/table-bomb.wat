;; Makes its table longer until it may not.
(table $table 1 funcref)
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (loop $more
    (if (i32.eq (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1)) (then (unreachable)))
    (br $more))
  (unreachable))
