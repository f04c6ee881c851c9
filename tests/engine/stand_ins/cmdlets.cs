// Copyright (c) 2026, The fleetops.tetra authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Stand-ins for the cmdlets of Windows that no engine under wine has: TLS, CimCmdlets, GroupPolicy. Their names, classes
// and parameters are Windows's (those of CimCmdlets as Microsoft.Management.Infrastructure.CimCmdlets.dll 7.6 declares
// them); what they answer comes from the tests' bridge (bridge.py) as a stream of words.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Management.Automation;
using System.Runtime.InteropServices;
using System.Text;

namespace Tetra.StandIns {
    static class Native {
        [DllImport("C:\\tetra-tests\\tetra_bridge.dll", CharSet = CharSet.Unicode, CallingConvention = CallingConvention.Cdecl)]
        static extern IntPtr tetra_call(string request);
        public static string Call(string request) { return Marshal.PtrToStringUni(tetra_call(request)); }
    }
    static class Words {
        public static void Write(StringBuilder to, object value) {
            var wrapped = value as PSObject;
            if (wrapped != null && !(wrapped.BaseObject is PSObject) && wrapped.BaseObject != null
                && wrapped.BaseObject.GetType().Name != "PSCustomObject") value = wrapped.BaseObject;
            if (value == null) to.Append("n ");
            else if (value is string) { to.Append("s "); Hex(to, (string)value); }
            else if (value is bool) to.Append((bool)value ? "t " : "f ");
            else if (value is SwitchParameter) to.Append(((SwitchParameter)value).IsPresent ? "t " : "f ");
            else if (value is uint) to.Append("u ").Append(value).Append(' ');
            else if (value is int || value is long || value is ulong || value is byte) to.Append("i ").Append(value).Append(' ');
            else if (value is byte[]) { to.Append("b "); to.Append(((byte[])value).Length).Append(' ');
                foreach (var one in (byte[])value) to.Append(one).Append(' '); }
            else if (value is IDictionary) { var map = (IDictionary)value; to.Append("d ").Append(map.Count).Append(' ');
                foreach (DictionaryEntry entry in map) { Hex(to, entry.Key.ToString()); Write(to, entry.Value); } }
            else if (value is IEnumerable) { var list = new List<object>(); foreach (var one in (IEnumerable)value) list.Add(one);
                to.Append("l ").Append(list.Count).Append(' '); foreach (var one in list) Write(to, one); }
            else { to.Append("s "); Hex(to, value.ToString()); }
        }
        public static void Hex(StringBuilder to, string text) {
            if (text.Length == 0) to.Append("- ");
            else { foreach (var letter in text) to.Append(((int)letter).ToString("x4")); to.Append(' '); }
        }
    }
    class Reader {
        readonly string[] words; int at;
        public Reader(string text) { words = text.Split(' '); }
        public string Word() { return words[at++]; }
        public int Number() { return int.Parse(Word(), CultureInfo.InvariantCulture); }
        public bool More { get { return at < words.Length && words[at].Length > 0; } }
        public string Text() {
            var word = Word(); var made = new StringBuilder();
            for (int i = 0; word != "-" && i < word.Length; i += 4) made.Append((char)Convert.ToInt32(word.Substring(i, 4), 16));
            return made.ToString();
        }
        public object Value() {
            switch (Word()) {
                case "n": return null;
                case "s": return Text();
                case "t": return true;
                case "f": return false;
                case "u": return uint.Parse(Word(), CultureInfo.InvariantCulture);
                case "U": return ulong.Parse(Word(), CultureInfo.InvariantCulture);
                case "I": return long.Parse(Word(), CultureInfo.InvariantCulture);
                case "y": return byte.Parse(Word(), CultureInfo.InvariantCulture);
                case "i": return Number();
                case "D": return DateTime.Parse(Text(), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);
                case "b": { var bytes = new byte[Number()]; for (int i = 0; i < bytes.Length; i++) bytes[i] = (byte)Number(); return bytes; }
                case "l": return List();
                case "d": { var map = new Hashtable(); for (int count = Number(); count > 0; count--) { var key = Text(); map[key] = Value(); }
                    return map; }
                case "o": return Object();
                default: throw new InvalidOperationException("the bridge sent no value");
            }
        }
        object List() {
            var kind = Text(); var count = Number(); var list = new object[count];
            for (int i = 0; i < count; i++) list[i] = Value();
            if (kind == "String[]") return Array.ConvertAll(list, one => (string)one);
            if (kind == "UInt32s") { var numbers = new List<uint>(); foreach (var one in list) numbers.Add((uint)one); return numbers; }
            if (kind == "Strings") { var texts = new List<string>(); foreach (var one in list) texts.Add((string)one); return texts; }
            if (kind == "Suites") { var suites = new List<Microsoft.WindowsAuthenticationProtocols.Commands.TlsCipherSuite>();
                foreach (var one in list) suites.Add((Microsoft.WindowsAuthenticationProtocols.Commands.TlsCipherSuite)one); return suites; }
            return list;
        }
        object Object() {
            var types = new string[Number()];
            for (int i = 0; i < types.Length; i++) types[i] = Text();
            var count = Number();
            if (types[0] == "Microsoft.WindowsAuthenticationProtocols.Commands.TlsCipherSuite") {
                var suite = new Microsoft.WindowsAuthenticationProtocols.Commands.TlsCipherSuite();
                for (; count > 0; count--) { var property = suite.GetType().GetProperty(Text()); property.SetValue(suite, Value(), null); }
                return suite;
            }
            var made = new PSObject();
            made.TypeNames.Clear();
            foreach (var type in types) made.TypeNames.Add(type);
            for (; count > 0; count--) { var name = Text(); made.Properties.Add(new PSNoteProperty(name, Value())); }
            return made;
        }
    }
    public sealed class NoCim { NoCim() {} } // stands for the types CimInstance, CimClass and CimSession: none can be had
    public abstract class Bridged : PSCmdlet {
        protected abstract string Called { get; }
        protected override void EndProcessing() {
            var request = new StringBuilder("cmdlet\n").Append(Called).Append('\n');
            Words.Write(request, (IDictionary)MyInvocation.BoundParameters);
            var reply = Native.Call(request.ToString());
            if (reply == null) throw new InvalidOperationException("the tests' bridge does not answer");
            for (var words = new Reader(reply); words.More;) {
                var kind = words.Word();
                if (kind == "output") { WriteObject(words.Value(), false); continue; }
                var message = words.Text(); var id = words.Text(); var category = (ErrorCategory)words.Number();
                var record = new ErrorRecord(new RuntimeException(message), id, category, words.Value());
                if (kind == "error") WriteError(record); else ThrowTerminatingError(record);
            }
        }
    }
}

namespace Microsoft.WindowsAuthenticationProtocols.Commands {
    public class TlsCipherSuite {
        public uint KeyType { get; set; } public string Certificate { get; set; } public uint MaximumExchangeLength { get; set; }
        public uint MinimumExchangeLength { get; set; } public string Exchange { get; set; } public uint HashLength { get; set; }
        public string Hash { get; set; } public uint CipherBlockLength { get; set; } public uint CipherLength { get; set; }
        public uint BaseCipherSuite { get; set; } public uint CipherSuite { get; set; } public string Cipher { get; set; }
        public string Name { get; set; } public List<uint> Protocols { get; set; }
    }
}
// Below: the cmdlets of cmdlets.txt, written by build.py.
