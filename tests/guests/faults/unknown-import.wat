;; Wants an interface that does not exist.
(component (import "tollgate:plugin/teleport@0.1.0" (instance (export "go" (func)))))
