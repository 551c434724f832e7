;; Has a config schema that is nested ten thousand levels deep.
(memory $memory (export "memory") 4)
(data (i32.const 512) "{\"not\":")
(func (export "tollgate:plugin/lifecycle@0.1.0#describe") (result i32)
  (local $at i32)
  (local.set $at (i32.const 65536))
  (loop $more
    (memory.copy (local.get $at) (i32.const 512) (i32.const 7))
    (local.set $at (i32.add (local.get $at) (i32.const 7)))
    (br_if $more (i32.lt_u (local.get $at) (i32.const 135536))))
  (memory.fill (local.get $at) (i32.const 0x7d) (i32.const 10000))
  (i32.store (i32.const 88) (i32.const 65536))
  (i32.store (i32.const 92) (i32.const 80000))
  (i32.const 64))
