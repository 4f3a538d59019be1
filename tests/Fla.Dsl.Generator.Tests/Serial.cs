// TorchSharp passes numbers to native code by handles that a garbage collection on another thread may free (see Fla.Dsl.Runtime.Scalars):
// one test at a time. Each of them keeps all cores busy anyhow.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
