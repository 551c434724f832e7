;; Has a version that is not semver.
;; version: the newest one
