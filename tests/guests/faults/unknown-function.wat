;; Wants a function that an interface has not.
(component (import "tollgate:plugin/random@0.1.0" (instance (export "dice" (func (result u32))))))
