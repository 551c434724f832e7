;; Is built against an interface of a later version.
(component (import "tollgate:plugin/random@0.7.0" (instance (export "number" (func (result u64))))))
