// Copyright (c) 2026, The fleetops.tetra authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The few members of System.Management.Automation that the stand-in cmdlets use, without bodies: Debian's C# compiler
// cannot read the real assembly of .NET 10. The engine loads its own in this one's place.
using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Reflection;

[assembly: AssemblyVersion("7.0.0.0")]

namespace System.Management.Automation {
    public enum ErrorCategory { NotSpecified = 0 }
    public struct SwitchParameter { public bool IsPresent { get { return false; } } }
    public class PSObject {
        public PSObject() {} public PSObject(object item) {}
        public static PSObject AsPSObject(object item) { return null; }
        public object BaseObject { get { return null; } }
        public Collection<string> TypeNames { get { return null; } }
        public PSMemberInfoCollection<PSPropertyInfo> Properties { get { return null; } }
    }
    public abstract class PSMemberInfo { public string Name { get { return null; } } public abstract object Value { get; set; } }
    public abstract class PSPropertyInfo : PSMemberInfo {}
    public class PSNoteProperty : PSPropertyInfo {
        public PSNoteProperty(string name, object value) {}
        public override object Value { get { return null; } set {} }
    }
    public abstract class PSMemberInfoCollection<T> : IEnumerable<T> where T : PSMemberInfo {
        public abstract void Add(T member);
        public abstract IEnumerator<T> GetEnumerator();
        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() { return null; }
    }
    public class ErrorRecord {
        public ErrorRecord(Exception problem, string id, ErrorCategory category, object target) {}
        public ErrorCategoryInfo CategoryInfo { get { return null; } }
    }
    public class ErrorCategoryInfo { public string Activity { get; set; } public string TargetName { get; set; }
        public string TargetType { get; set; } }
    public class RuntimeException : Exception { public RuntimeException(string message) {} }
    public class InvocationInfo { public Dictionary<string, object> BoundParameters { get { return null; } } }
    public abstract class Cmdlet {
        protected virtual void BeginProcessing() {} protected virtual void ProcessRecord() {}
        protected virtual void EndProcessing() {}
        public void WriteObject(object item) {} public void WriteObject(object item, bool enumerate) {}
        public void WriteError(ErrorRecord record) {} public void ThrowTerminatingError(ErrorRecord record) {}
    }
    public abstract class PSCmdlet : Cmdlet { public InvocationInfo MyInvocation { get { return null; } } }
    [AttributeUsage(AttributeTargets.Class)] public sealed class CmdletAttribute : Attribute {
        public CmdletAttribute(string verb, string noun) {}
        public string DefaultParameterSetName { get; set; } public bool SupportsShouldProcess { get; set; }
    }
    [AttributeUsage(AttributeTargets.Property, AllowMultiple = true)] public sealed class ParameterAttribute : Attribute {
        public int Position { get; set; } public string ParameterSetName { get; set; } public bool Mandatory { get; set; }
        public bool ValueFromPipeline { get; set; } public bool ValueFromPipelineByPropertyName { get; set; }
    }
    [AttributeUsage(AttributeTargets.All)] public sealed class AliasAttribute : Attribute {
        public AliasAttribute(params string[] names) {}
    }
}
