"""Maps names to resources, kinds and paths: client-go's `restmapper` and apimachinery's `meta.RESTMapper`."""
