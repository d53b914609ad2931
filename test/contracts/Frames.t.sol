// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Digests} from "contracts/Digests.sol";
import {FaultVerifier} from "contracts/FaultVerifier.sol";
import {IFaultVerifier} from "contracts/IFaultVerifier.sol";
import {Court} from "./Court.sol";

/// @title O2, O4, O5 and O6: proofs out of leaves and frames, their careless neighbours, and honest work that looks alike
contract FramesTest is Court {
    uint16 internal constant SOURCE = 0xffff;
    uint256 internal constant KEY = 0xdead;
    /// @dev 20 bits, in all quarters of the word.
    uint64 internal constant TWENTY = 0xf00f_0f00_00f0_000f;

    function check(uint8 faultClass, bytes memory evidence) internal view returns (IFaultVerifier.Fault memory) {
        return faults.checkObjective(faultClass, evidence);
    }

    function refuses(uint8 faultClass, bytes memory evidence, bytes4 selector, string memory what) internal view {
        bytes4 got = errorOf(address(faults), abi.encodeCall(faults.checkObjective, (faultClass, evidence)));
        eq(bytes32(got), bytes32(selector), what);
    }

    function bitsOf(uint64 value) internal pure returns (uint256 count) {
        for (uint256 i = 0; i < 64; i++) count += (value >> i) & 1;
    }

    /// @dev `count` bits at places that the seed chooses.
    function someBits(uint256 seed, uint256 count) internal pure returns (uint64 value) {
        while (bitsOf(value) < count) {
            seed = uint256(keccak256(abi.encode(seed)));
            value |= uint64(1) << uint64(seed % 64);
        }
    }

    // ------------------------------------------------------------------------------------------------------------- O2 and O6

    /// @dev All that a frame proof is made of; tests change one thing and build it.
    struct Frames {
        Digests.FrameFp[] a;
        Digests.FrameFp[] b;
    }

    function frameOf(uint16 track, uint32 frame, uint64 dhash) internal pure returns (Digests.FrameFp memory) {
        return Digests.FrameFp(track, frame, frame * 40, dhash, type(uint64).max);
    }

    function framesOf(uint256 count, uint16 trackB) internal pure returns (Frames memory f) {
        f.a = new Digests.FrameFp[](count);
        f.b = new Digests.FrameFp[](count);
        for (uint32 i = 0; i < count; i++) {
            f.a[i] = frameOf(SOURCE, i * 3, 0x1234_5678_9abc_def0);
            f.b[i] = frameOf(trackB, i * 3, 0x1234_5678_9abc_def0 ^ TWENTY);
        }
    }

    function leavesOf(Digests.FrameFp[] memory list) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](list.length);
        for (uint256 i = 0; i < list.length; i++) hashes[i] = Digests.leaf(list[i]);
    }

    struct Reuse {
        Digests.TranscodeReceipt a;
        Digests.TranscodeReceipt b;
        Digests.Rendition leafA;
        Digests.Rendition leafB;
        Frames frames;
        Digests.Profile profile;
        uint256 keyA;
        uint256 keyB;
        bool keepRoots;
        bool turn;
    }

    function reuse() internal view returns (Reuse memory r) {
        r.a = receiptOf(0, 1);
        r.b = receiptOf(0, 2);
        r.leafA = leafOf(0, 1);
        r.leafB = leafOf(1, 2);
        r.leafB.contentHash = r.leafA.contentHash;
        r.frames = framesOf(4, SOURCE);
        setProfile(r, profileOf());
        (r.keyA, r.keyB) = (nodeKeys[0], nodeKeys[0]);
    }

    function profileOf() internal pure returns (Digests.Profile memory) {
        return Digests.Profile(1280, 720, 3_000_000, 0, 1, 0, 1, -1, 0, 0);
    }

    function setProfile(Reuse memory r, Digests.Profile memory profile) internal pure {
        r.profile = profile;
        (r.leafA.profileHash, r.leafB.profileHash) = (Digests.hash(profile), Digests.hash(profile));
    }

    /// @dev Sets the roots, orders by digest (unless `turn`) and signs.
    function build(Reuse memory r) internal view returns (bytes memory) {
        bytes32[] memory rungsA = new bytes32[](2);
        (rungsA[0], rungsA[1]) = (Digests.leaf(r.leafA), keccak256("another rung"));
        bytes32[] memory rungsB = new bytes32[](2);
        (rungsB[0], rungsB[1]) = (Digests.leaf(r.leafB), keccak256("another rung"));
        bytes32[] memory ofA = leavesOf(r.frames.a);
        bytes32[] memory ofB = leavesOf(r.frames.b);
        if (!r.keepRoots) {
            (r.a.renditionsRoot, r.b.renditionsRoot) = (rootOf(rungsA), rootOf(rungsB));
            if (ofA.length > 0) (r.a.fingerprintRoot, r.b.fingerprintRoot) = (rootOf(ofA), rootOf(ofB));
        }
        ReuseEvidence memory e;
        e.profile = r.profile;
        e.frames = new FaultVerifier.FramePair[](ofA.length);
        bool turned = (digestOf(r.a) > digestOf(r.b)) != r.turn;
        for (uint256 i = 0; i < e.frames.length; i++) {
            e.frames[i] = turned
                ? FaultVerifier.FramePair(r.frames.b[i], pathOf(ofB, i), r.frames.a[i], pathOf(ofA, i))
                : FaultVerifier.FramePair(r.frames.a[i], pathOf(ofA, i), r.frames.b[i], pathOf(ofB, i));
        }
        bytes memory signatureA = signReceipt(r.keyA, r.a);
        bytes memory signatureB = signReceipt(r.keyB, r.b);
        if (turned) {
            (e.a, e.signatureA, e.leafA, e.pathA) = (r.b, signatureB, r.leafB, pathOf(rungsB, 0));
            (e.b, e.signatureB, e.leafB, e.pathB) = (r.a, signatureA, r.leafA, pathOf(rungsA, 0));
        } else {
            (e.a, e.signatureA, e.leafA, e.pathA) = (r.a, signatureA, r.leafA, pathOf(rungsA, 0));
            (e.b, e.signatureB, e.leafB, e.pathB) = (r.b, signatureB, r.leafB, pathOf(rungsB, 0));
        }
        return encodeReuse(e);
    }

    function test_one_content_for_two_sources_is_a_fault() public view {
        Reuse memory r = reuse();
        IFaultVerifier.Fault memory fault = check(2, build(r));
        (bytes32 x, bytes32 y) = (digestOf(r.a), digestOf(r.b));
        (bytes32 lower, bytes32 higher) = x < y ? (x, y) : (y, x);
        eq(fault.faultId, keccak256(abi.encode("faultId", uint8(2), node(0), lower, higher)), "faultId");
        eq(fault.receiptDigest, lower, "lower digest");
        eq(fault.transcoder, node(0), "transcoder");
    }

    function test_reuse_has_one_order_of_its_receipts() public view {
        Reuse memory r = reuse();
        r.turn = true;
        refuses(2, build(r), FaultVerifier.NotAscending.selector, "turned");
        r = reuse();
        r.b = receiptOf(0, 1);
        refuses(2, build(r), FaultVerifier.SameSource.selector, "one receipt twice");
    }

    function test_reuse_needs_one_node_two_sources_one_content() public view {
        Reuse memory r = reuse();
        r.b.transcoder = node(1);
        r.keyB = nodeKeys[1];
        refuses(2, build(r), FaultVerifier.DifferentTranscoders.selector, "nodes");
        r = reuse();
        r.b.sourceHash = r.a.sourceHash;
        refuses(2, build(r), FaultVerifier.SameSource.selector, "a retried segment");
        r = reuse();
        r.leafB.contentHash = keccak256("other content");
        refuses(2, build(r), FaultVerifier.DifferentContents.selector, "contents");
    }

    function test_reuse_needs_pictures_of_some_size() public view {
        for (uint256 i = 0; i < 4; i++) {
            for (uint32 side = 63; side <= 64; side++) {
                Reuse memory r = reuse();
                if (i == 0) r.leafA.width = side;
                if (i == 1) r.leafA.height = side;
                if (i == 2) r.leafB.width = side;
                if (i == 3) r.leafB.height = side;
                if (side == 63) refuses(2, build(r), FaultVerifier.TooSmall.selector, "63");
                else check(2, build(r));
            }
        }
    }

    /// @dev Honest work: a rate of its own leaves source frames out, and sources that differ in those alone come to one output.
    function test_a_profile_that_drops_frames_proves_no_reuse() public view {
        Reuse memory r = reuse();
        Digests.Profile memory fixedRate = profileOf();
        fixedRate.fpsNum = 25;
        setProfile(r, fixedRate);
        refuses(2, build(r), FaultVerifier.FixedRate.selector, "25 frames a second");
        (fixedRate.fpsNum, fixedRate.fpsDen) = (1, 1000);
        setProfile(r, fixedRate);
        refuses(2, build(r), FaultVerifier.FixedRate.selector, "one frame in 1,000 s");
        // Said to keep the rate, but the leaves were made for the one that does not.
        r.profile = profileOf();
        refuses(2, build(r), FaultVerifier.WrongProfile.selector, "another profile");
    }

    function test_reuse_is_of_one_profile() public view {
        Reuse memory r = reuse();
        Digests.Profile memory other = profileOf();
        other.bitrate++;
        r.leafA.profileHash = Digests.hash(other);
        refuses(2, build(r), FaultVerifier.WrongProfile.selector, "one leaf");
        r = reuse();
        r.leafB.profileHash = Digests.hash(other);
        refuses(2, build(r), FaultVerifier.WrongProfile.selector, "other leaf");
        r = reuse();
        r.profile = other;
        refuses(2, build(r), FaultVerifier.WrongProfile.selector, "none of the leaves");
        setProfile(r, other);
        check(2, build(r));
    }

    function testFuzz_each_field_of_the_profile_is_hashed(Digests.Profile memory profile) public view {
        Reuse memory r = reuse();
        profile.fpsNum = 0;
        setProfile(r, profile);
        check(2, build(r));
        profile.quality ^= 1;
        r.profile = profile;
        refuses(2, build(r), FaultVerifier.WrongProfile.selector, "quality");
    }

    /// @dev The frames of the pairs are 0, 3, 6 and 9.
    function test_reuse_counts_frames_that_both_renditions_show() public view {
        for (uint32 count = 0; count < 12; count++) {
            for (uint256 side = 0; side < 2; side++) {
                Reuse memory r = reuse();
                if (side == 0) r.leafA.frames = count;
                else r.leafB.frames = count;
                if (count < 10) refuses(2, build(r), FaultVerifier.FrameNotShown.selector, "not shown");
                else check(2, build(r));
            }
        }
    }

    function test_reuse_without_its_profile_is_no_evidence() public view {
        bytes memory evidence = build(reuse());
        // The head has 55 words, and the last ten are the profile.
        for (uint256 words = 1; words <= 10; words++) {
            bytes memory short = new bytes((55 - words) * 32);
            for (uint256 i = 0; i < short.length; i++) short[i] = evidence[i];
            refuses(2, short, bytes4(0xffffffff), "a revert without data");
        }
    }

    function test_reuse_ages_from_the_newer_receipt() public {
        Reuse memory r = reuse();
        r.a.round = 2;
        bytes memory evidence = build(r);
        (r.a.round, r.b.round) = (r.b.round, 2);
        bytes memory turned = build(r);
        toRound(FIRST_ROUND + 14);
        check(2, evidence);
        check(2, turned);
        toRound(FIRST_ROUND + 15);
        refuses(2, evidence, FaultVerifier.StatuteExpired.selector, "fifteen");
        refuses(2, turned, FaultVerifier.StatuteExpired.selector, "fifteen, turned");
    }

    function test_reuse_stands_on_the_nodes_own_signatures_and_leaves() public view {
        Reuse memory r = reuse();
        r.keyA = KEY;
        refuses(2, build(r), FaultVerifier.NotSigner.selector, "one signer");
        r = reuse();
        r.keyB = KEY;
        refuses(2, build(r), FaultVerifier.NotSigner.selector, "other signer");
        r = reuse();
        build(r);
        r.keepRoots = true;
        r.leafA.byteLength++;
        refuses(2, build(r), FaultVerifier.NotUnderRoot.selector, "one leaf");
        r = reuse();
        build(r);
        r.keepRoots = true;
        r.leafB.byteLength++;
        refuses(2, build(r), FaultVerifier.NotUnderRoot.selector, "other leaf");
    }

    function test_every_frame_of_a_reuse_is_committed_to() public view {
        for (uint256 i = 0; i < 4; i++) {
            Reuse memory r = reuse();
            build(r);
            r.keepRoots = true;
            r.frames.a[i].ptsMs++;
            refuses(2, build(r), FaultVerifier.FrameNotUnderRoot.selector, "one side");
            r = reuse();
            build(r);
            r.keepRoots = true;
            r.frames.b[i].ptsMs++;
            refuses(2, build(r), FaultVerifier.FrameNotUnderRoot.selector, "other side");
        }
        Reuse memory none = reuse();
        build(none);
        none.keepRoots = true;
        (none.a.fingerprintRoot, none.b.fingerprintRoot) = (0, 0);
        refuses(2, build(none), FaultVerifier.FrameNotUnderRoot.selector, "no root, no proof");
    }

    function test_reuse_compares_the_same_frames_of_both_sources() public view {
        for (uint256 i = 0; i < 4; i++) {
            Reuse memory r = reuse();
            r.frames.a[i].track = 0;
            refuses(2, build(r), FaultVerifier.WrongFrames.selector, "a rendition's track");
            r = reuse();
            r.frames.b[i].track = 0xfffe;
            refuses(2, build(r), FaultVerifier.WrongFrames.selector, "a rendition's track, other side");
            r = reuse();
            r.frames.b[i].frame++;
            refuses(2, build(r), FaultVerifier.WrongFrames.selector, "another frame");
        }
    }

    function test_no_frame_counts_twice() public view {
        for (uint256 i = 1; i < 4; i++) {
            Reuse memory r = reuse();
            (r.frames.a[i].frame, r.frames.b[i].frame) = (r.frames.a[i - 1].frame, r.frames.b[i - 1].frame);
            refuses(2, build(r), FaultVerifier.FramesNotAscending.selector, "twice");
        }
        Reuse memory back = reuse();
        (back.frames.a[3].frame, back.frames.b[3].frame) = (5, 5);
        refuses(2, build(back), FaultVerifier.FramesNotAscending.selector, "back");
        (back.frames.a[3].frame, back.frames.b[3].frame) = (7, 7);
        check(2, build(back));
    }

    function test_four_frames_are_needed_and_three_are_none() public view {
        Reuse memory r = reuse();
        for (uint256 count = 0; count < 4; count++) {
            r.frames = framesOf(count, SOURCE);
            refuses(2, build(r), FaultVerifier.TooFewFrames.selector, "too few");
        }
        r.frames = framesOf(5, SOURCE);
        check(2, build(r));
    }

    /// @dev Any 20 bits will do, any 19 will not, wherever they lie; only those strong in both count.
    function testFuzz_twenty_strong_bits_are_needed(uint256 seed, uint64 base, uint256 which, uint8 count) public view {
        count = uint8(bound(count, 20, 64));
        which = bound(which, 0, 3);
        Reuse memory r = reuse();
        uint64 diff = someBits(seed, count);
        (r.frames.a[which].dhash, r.frames.b[which].dhash) = (base, base ^ diff);
        check(2, build(r));
        r.frames.a[which].strong = diff;
        r.frames.b[which].strong = diff;
        check(2, build(r));
        uint64 weak = diff;
        while (bitsOf(weak) > 19) weak &= weak - 1;
        r.frames.a[which].strong = weak | ~diff;
        similar(build(r), which, 19);
        r.frames.a[which].strong = type(uint64).max;
        r.frames.b[which].strong = weak | ~diff;
        similar(build(r), which, 19);
        r.frames.b[which].strong = type(uint64).max;
        r.frames.b[which].dhash = base ^ weak;
        similar(build(r), which, 19);
        // Strong in one and in the other, but in none of them together.
        r.frames.b[which].dhash = base ^ diff;
        r.frames.a[which].strong = diff;
        r.frames.b[which].strong = ~diff;
        similar(build(r), which, 0);
    }

    /// @dev The error counts the bits; whichever of the two came first.
    function similar(bytes memory evidence, uint256 pairIndex, uint256 bits) internal view {
        (bool ok, bytes memory reason) = address(faults).staticcall(abi.encodeCall(faults.checkObjective, (2, evidence)));
        isTrue(!ok, "accepted");
        eq(keccak256(reason), keccak256(abi.encodeWithSelector(FaultVerifier.TooSimilar.selector, pairIndex, bits)), "bits");
    }

    function testFuzz_all_counts_of_bits_are_counted_right(uint64 diff) public view {
        Reuse memory r = reuse();
        r.frames.b[1].dhash = r.frames.a[1].dhash ^ diff;
        uint256 bits = bitsOf(diff);
        if (bits >= 20) check(2, build(r));
        else similar(build(r), 1, bits);
    }

    function test_each_single_bit_counts_once() public view {
        for (uint64 i = 0; i < 64; i++) {
            Reuse memory r = reuse();
            r.frames.b[2].dhash = r.frames.a[2].dhash ^ (uint64(1) << i);
            similar(build(r), 2, 1);
        }
        Reuse memory all = reuse();
        all.frames.b[2].dhash = ~all.frames.a[2].dhash;
        check(2, build(all));
    }

    function test_black_and_noise_have_no_strong_bits_and_prove_nothing() public view {
        Reuse memory r = reuse();
        for (uint256 i = 0; i < 4; i++) {
            // Near-black footage encoded low: hashes differ by noise alone, and the node said so.
            (r.frames.a[i].strong, r.frames.b[i].strong) = (0x7ffff, 0x7ffff);
            (r.frames.a[i].dhash, r.frames.b[i].dhash) = (0, type(uint64).max);
        }
        refuses(2, build(r), FaultVerifier.TooSimilar.selector, "19 strong bits");
    }

    // --------------------------------------------------------------------------------------------------------------------- O6

    /// @dev Both sides lie under one root.
    function contradiction(
        Digests.TranscodeReceipt memory receipt,
        uint256 key,
        Frames memory f,
        uint256 spoiled
    ) internal view returns (bytes memory) {
        uint256 n = f.a.length;
        bytes32[] memory hashes = new bytes32[](2 * n);
        for (uint256 i = 0; i < n; i++) (hashes[i], hashes[n + i]) = (Digests.leaf(f.a[i]), Digests.leaf(f.b[i]));
        if (n > 0) receipt.fingerprintRoot = rootOf(hashes);
        FaultVerifier.FramePair[] memory pairs = new FaultVerifier.FramePair[](n);
        for (uint256 i = 0; i < n; i++) {
            pairs[i] = FaultVerifier.FramePair(f.a[i], pathOf(hashes, i), f.b[i], pathOf(hashes, n + i));
        }
        bytes memory signature = signReceipt(key, receipt);
        if (spoiled > 0 && spoiled <= n) pairs[spoiled - 1].a.strong ^= 0x10;
        if (spoiled > n) pairs[spoiled - n - 1].b.strong ^= 0x10;
        return abi.encode(receipt, signature, pairs);
    }

    function against(Frames memory f) internal view returns (bytes memory) {
        return contradiction(receiptOf(0, 1), nodeKeys[0], f, 0);
    }

    function test_its_own_fingerprints_contradict_the_node() public {
        Digests.TranscodeReceipt memory receipt = receiptOf(0, 1);
        bytes memory evidence = contradiction(receipt, nodeKeys[0], framesOf(8, 2), 0);
        IFaultVerifier.Fault memory fault = check(6, evidence);
        eq(fault.faultId, keccak256(abi.encode("faultId", uint8(6), node(0), digestOf(receipt))), "faultId");
        eq(fault.transcoder, node(0), "transcoder");
        eq(fault.receiptDigest, digestOf(receipt), "digest");
        toRound(FIRST_ROUND + 14);
        check(6, evidence);
        toRound(FIRST_ROUND + 15);
        refuses(6, evidence, FaultVerifier.StatuteExpired.selector, "fifteen");
    }

    function test_contradictions_need_eight_frames() public view {
        for (uint256 count = 0; count < 8; count++) {
            refuses(6, against(framesOf(count, 0)), FaultVerifier.TooFewFrames.selector, "too few");
        }
        check(6, against(framesOf(9, 0)));
        check(6, against(framesOf(8, 0xfffe)));
    }

    function test_contradictions_compare_source_and_one_rendition_at_one_time() public view {
        bytes4 wrong = FaultVerifier.WrongFrames.selector;
        for (uint256 i = 0; i < 8; i++) {
            Frames memory f = framesOf(8, 2);
            f.a[i].track = 2;
            refuses(6, against(f), wrong, "no source");
            f = framesOf(8, 2);
            f.b[i].track = SOURCE;
            refuses(6, against(f), wrong, "source against source");
            f = framesOf(8, 2);
            f.b[i].track = 3;
            refuses(6, against(f), wrong, "two renditions");
            f = framesOf(8, 2);
            f.b[i].ptsMs++;
            refuses(6, against(f), wrong, "another time");
        }
        refuses(6, against(framesOf(8, SOURCE)), wrong, "source only");
    }

    function test_contradictions_count_no_frame_twice() public view {
        for (uint256 i = 1; i < 8; i++) {
            Frames memory f = framesOf(8, 2);
            f.a[i].frame = f.a[i - 1].frame;
            refuses(6, against(f), FaultVerifier.FramesNotAscending.selector, "source frame twice");
            f = framesOf(8, 2);
            f.b[i].frame = f.b[i - 1].frame;
            refuses(6, against(f), FaultVerifier.FramesNotAscending.selector, "rendition frame twice");
        }
        // Half the rate: rendition frames have other numbers, and that is fine.
        Frames memory half = framesOf(8, 2);
        for (uint32 i = 0; i < 8; i++) half.b[i].frame = i;
        check(6, against(half));
    }

    function test_contradictions_stand_on_committed_frames_and_the_signer() public view {
        for (uint256 i = 1; i <= 16; i++) {
            bytes memory evidence = contradiction(receiptOf(0, 1), nodeKeys[0], framesOf(8, 2), i);
            refuses(6, evidence, FaultVerifier.FrameNotUnderRoot.selector, "not committed to");
        }
        refuses(6, contradiction(receiptOf(0, 1), KEY, framesOf(8, 2), 0), FaultVerifier.NotSigner.selector, "signer");
    }

    function test_contradictions_need_twenty_strong_bits_in_each() public view {
        for (uint256 i = 0; i < 8; i++) {
            Frames memory f = framesOf(8, 2);
            f.b[i].dhash ^= 1;
            refuses(6, against(f), FaultVerifier.TooSimilar.selector, "19 bits");
            f = framesOf(8, 2);
            f.a[i].strong ^= 1;
            refuses(6, against(f), FaultVerifier.TooSimilar.selector, "19 strong bits");
        }
    }

    // -------------------------------------------------------------------------------------------------------------- O4 and O5

    struct Rungs {
        Digests.TranscodeReceipt receipt;
        Digests.Rendition a;
        Digests.Rendition b;
        uint256 key;
    }

    function rungs() internal view returns (Rungs memory r) {
        r.receipt = receiptOf(0, 4);
        r.a = leafOf(0, 1);
        r.b = leafOf(1, 1);
        r.b.contentHash = r.a.contentHash;
        (r.b.width, r.b.height) = (640, 360);
        r.key = nodeKeys[0];
    }

    function duplicate(Rungs memory r, uint256 spoiled) internal view returns (bytes memory) {
        bytes32[] memory hashes = new bytes32[](3);
        (hashes[0], hashes[1], hashes[2]) = (Digests.leaf(r.a), Digests.leaf(r.b), keccak256("a third"));
        r.receipt.renditionsRoot = rootOf(hashes);
        bytes memory signature = signReceipt(r.key, r.receipt);
        if (spoiled == 1) r.a.byteLength++;
        if (spoiled == 2) r.b.byteLength++;
        return abi.encode(r.receipt, signature, r.a, pathOf(hashes, 0), r.b, pathOf(hashes, 1));
    }

    function test_one_content_of_two_sizes_is_a_fault() public {
        Rungs memory r = rungs();
        bytes memory evidence = duplicate(r, 0);
        IFaultVerifier.Fault memory fault = check(4, evidence);
        eq(fault.faultId, keccak256(abi.encode("faultId", uint8(4), node(0), digestOf(r.receipt))), "faultId");
        eq(fault.transcoder, node(0), "transcoder");
        eq(fault.receiptDigest, digestOf(r.receipt), "digest");
        r = rungs();
        (r.b.width, r.b.height) = (r.a.width, 360);
        check(4, duplicate(r, 0));
        (r.b.width, r.b.height) = (640, r.a.height);
        check(4, duplicate(r, 0));
        toRound(FIRST_ROUND + 14);
        check(4, evidence);
        toRound(FIRST_ROUND + 15);
        refuses(4, evidence, FaultVerifier.StatuteExpired.selector, "fifteen");
    }

    function test_honest_ladders_have_duplicates_of_one_size() public view {
        Rungs memory r = rungs();
        // fps 0 and fps 25 of a 25 fps source: the same bytes, the same size, another profile.
        (r.b.width, r.b.height) = (r.a.width, r.a.height);
        refuses(4, duplicate(r, 0), FaultVerifier.NotDuplicate.selector, "fps profiles");
        // 640x360 and 640x480 on a 16:9 source: the aspect rule makes 640x360 of both.
        (r.a.width, r.a.height, r.b.width, r.b.height) = (640, 360, 640, 360);
        refuses(4, duplicate(r, 0), FaultVerifier.NotDuplicate.selector, "aspect rule");
        r = rungs();
        r.b.contentHash = keccak256("its own content");
        refuses(4, duplicate(r, 0), FaultVerifier.DifferentContents.selector, "an honest ladder");
    }

    function test_a_size_of_zero_says_nothing() public view {
        bytes4 not = FaultVerifier.NotDuplicate.selector;
        for (uint256 i = 0; i < 4; i++) {
            Rungs memory r = rungs();
            if (i == 0) r.a.width = 0;
            if (i == 1) r.a.height = 0;
            if (i == 2) r.b.width = 0;
            if (i == 3) r.b.height = 0;
            refuses(4, duplicate(r, 0), not, "zero");
        }
    }

    function test_duplicates_have_one_order_and_lie_under_the_root() public view {
        Rungs memory r = rungs();
        (r.a.index, r.b.index) = (1, 0);
        refuses(4, duplicate(r, 0), FaultVerifier.NotAscending.selector, "turned");
        (r.a.index, r.b.index) = (1, 1);
        refuses(4, duplicate(r, 0), FaultVerifier.NotAscending.selector, "one index: that is O1");
        refuses(4, duplicate(rungs(), 1), FaultVerifier.NotUnderRoot.selector, "one leaf");
        refuses(4, duplicate(rungs(), 2), FaultVerifier.NotUnderRoot.selector, "other leaf");
        r = rungs();
        r.key = KEY;
        refuses(4, duplicate(r, 0), FaultVerifier.NotSigner.selector, "signer");
    }

    function metering(Rungs memory r, bool spoiled) internal view returns (bytes memory) {
        bytes32[] memory hashes = new bytes32[](2);
        (hashes[0], hashes[1]) = (Digests.leaf(r.a), Digests.leaf(r.b));
        r.receipt.renditionsRoot = rootOf(hashes);
        bytes memory signature = signReceipt(r.key, r.receipt);
        if (spoiled) r.a.byteLength++;
        return abi.encode(r.receipt, signature, r.a, pathOf(hashes, 0));
    }

    function test_pixels_that_were_not_there_are_a_fault() public {
        Rungs memory r = rungs();
        r.a.pixels++;
        bytes memory evidence = metering(r, false);
        IFaultVerifier.Fault memory fault = check(5, evidence);
        eq(fault.faultId, keccak256(abi.encode("faultId", uint8(5), node(0), digestOf(r.receipt))), "faultId");
        eq(fault.transcoder, node(0), "transcoder");
        eq(fault.receiptDigest, digestOf(r.receipt), "digest");
        refuses(5, metering(r, true), FaultVerifier.NotUnderRoot.selector, "leaf");
        r = rungs();
        r.a.pixels--;
        r.key = KEY;
        refuses(5, metering(r, false), FaultVerifier.NotSigner.selector, "signer");
        toRound(FIRST_ROUND + 14);
        check(5, evidence);
        toRound(FIRST_ROUND + 15);
        refuses(5, evidence, FaultVerifier.StatuteExpired.selector, "fifteen");
    }

    function testFuzz_metering_is_the_product_of_its_own_leaf(uint32 width, uint32 height, uint32 frames, uint64 pixels) public view {
        Rungs memory r = rungs();
        (r.a.width, r.a.height, r.a.frames, r.a.pixels) = (width, height, frames, pixels);
        bool fault = width != 0 && height != 0 && uint256(width) * height * frames != pixels;
        if (fault) check(5, metering(r, false));
        else refuses(5, metering(r, false), FaultVerifier.NotMisstated.selector, "no fault");
    }

    function testFuzz_right_pixels_are_right(uint32 width, uint32 height, uint32 frames) public view {
        Rungs memory r = rungs();
        width = uint32(bound(width, 0, 1 << 16));
        height = uint32(bound(height, 0, 1 << 16));
        frames = uint32(bound(frames, 0, 1 << 16));
        (r.a.width, r.a.height, r.a.frames, r.a.pixels) = (width, height, frames, uint64(width) * height * frames);
        refuses(5, metering(r, false), FaultVerifier.NotMisstated.selector, "honest");
    }

    function test_metering_of_changing_sizes_says_nothing() public view {
        for (uint256 i = 0; i < 3; i++) {
            Rungs memory r = rungs();
            r.a.pixels = 7;
            if (i != 0) r.a.width = 0;
            if (i != 1) r.a.height = 0;
            refuses(5, metering(r, false), FaultVerifier.NotMisstated.selector, "zero");
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- price

    function test_each_class_has_its_price() public {
        address finder = address(0xf1);
        vm.warp((block.timestamp / 1 days + 1) * 1 days);
        Rungs memory r = rungs();
        r.receipt = receiptOf(0, 50);
        r.a.pixels++;
        bytes memory evidence = metering(r, false);
        bytes32 faultId = check(5, evidence).faultId;
        prove(finder, 5, evidence, faultId);
        eq(verifier.caseOf(faultId).amount, 10 * TOKEN, "O5: 1 %");
        evidence = contradiction(receiptOf(1, 51), nodeKeys[1], framesOf(8, 2), 0);
        faultId = check(6, evidence).faultId;
        prove(finder, 6, evidence, faultId);
        eq(verifier.caseOf(faultId).amount, 5 * TOKEN, "O6: 0.5 %");
        r = rungs();
        r.receipt = receiptOf(2, 52);
        r.key = nodeKeys[2];
        evidence = duplicate(r, 0);
        faultId = check(4, evidence).faultId;
        prove(finder, 4, evidence, faultId);
        eq(verifier.caseOf(faultId).amount, 30 * TOKEN, "O4: 3 %");
        pass(2 days);
        evidence = build(reuse());
        faultId = check(2, evidence).faultId;
        prove(finder, 2, evidence, faultId);
        eq(verifier.caseOf(faultId).amount, (990 * TOKEN * 3) / 100, "O2: 3 %");
    }
}
