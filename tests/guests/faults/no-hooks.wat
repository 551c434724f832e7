;; Says what it is, and has no hook.
;; world: export tollgate:plugin/lifecycle@0.1.0;
