;; Computes for about a second when it is given its configuration, and takes it.
(func (export "tollgate:plugin/lifecycle@0.1.0#configure") (param i32 i32) (result i32)
  (local $done i32)
  (loop $on
    (local.set $done (i32.add (local.get $done) (i32.const 1)))
    (br_if $on (i32.lt_u (local.get $done) (i32.const 700000000))))
  (i32.const 128))
