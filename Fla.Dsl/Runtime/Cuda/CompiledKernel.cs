namespace Fla.Dsl.Runtime.Cuda;

/// <summary>A kernel in the device's machine code.</summary>
/// <param name="EntryPoint">What the function is called there.</param>
/// <param name="Cubin">The code, as the driver loads it.</param>
internal sealed record CompiledKernel(string EntryPoint, byte[] Cubin);

/// <summary>A kernel as text for the driver's compiler.</summary>
/// <param name="EntryPoint">What the function is called there.</param>
/// <param name="Text">PTX.</param>
internal sealed record PtxKernel(string EntryPoint, string Text);
