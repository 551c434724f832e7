;; Computes for a moment that no tick finds: a tenth of a millisecond or two.
(func (export "tollgate:plugin/request-filter@0.1.0#on-request") (result i32)
  (local $left i32)
  (local.set $left (i32.const 100000))
  (loop $more
    (i32.store (i32.const 512) (i32.add (i32.load (i32.const 512)) (local.get $left)))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $more (local.get $left)))
  (i32.const 128))
