// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Digests} from "contracts/Digests.sol";
import {FaultVerifier} from "contracts/FaultVerifier.sol";
import {FishermanRegistry} from "contracts/FishermanRegistry.sol";
import {FishermanVerifier} from "contracts/FishermanVerifier.sol";
import {Court} from "./Court.sol";

/// @title Rejected and drawn cases, appeals, false signers, silent members, and the cap over seven rounds
contract OutcomesTest is Court {
    address internal finder = address(0xf1);
    address internal appellant = address(0xa9);

    // ---------------------------------------------------------------------------------------------------------- reject and draw

    function test_no_fault_costs_the_opener_its_bond() public {
        bytes32 faultId = openCase(0, 0, 1);
        verifier.reject(dismissalOf(0, 1, 0, 3));
        isState(faultId, FishermanVerifier.CaseState.Rejected, "rejected");
        eq(token.balanceOf(node(0)), 5 * TOKEN, "a fifth to the accused");
        eq(token.balanceOf(treasury), 20 * TOKEN, "the rest to the treasury");
        eq(token.balanceOf(member(0)), 0, "nothing to the opener");
        isTrue(!deposit.isFrozen(node(0)), "free");
        isTrue(!verifier.isConvicted(faultId), "not convicted");
        pass(1 days);
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        bytes memory evidence = verdictOf(0, 1, vote, sharesOf(vote, 4));
        fails(FishermanVerifier.NoOpenCase.selector);
        verifier.convict(D2, evidence);
        fails(FishermanVerifier.NoOpenCase.selector);
        verifier.expire(faultId);
    }

    function test_no_bytes_is_nobodys_fault() public {
        bytes32 faultId = openCase(0, 0, 1);
        bytes memory evidence = dismissalOf(0, 1, 255, 4);
        fails(FishermanVerifier.AnswerWindowOpen.selector);
        verifier.draw(evidence);
        pass(1 days);
        verifier.draw(evidence);
        isState(faultId, FishermanVerifier.CaseState.Drawn, "drawn");
        eq(token.balanceOf(member(0)), 25 * TOKEN, "bond back");
        isTrue(!deposit.isFrozen(node(0)), "free");
        fails(FishermanVerifier.NoOpenCase.selector);
        verifier.draw(evidence);
    }

    function test_a_vote_says_one_thing() public {
        openCase(0, 0, 1);
        pass(1 days);
        bytes memory noFault = dismissalOf(0, 1, 0, 4);
        bytes memory noBytes = dismissalOf(0, 1, 255, 4);
        fails(FaultVerifier.WrongVoteClass.selector);
        verifier.reject(noBytes);
        fails(FaultVerifier.WrongVoteClass.selector);
        verifier.draw(noFault);
        fails(FaultVerifier.WrongVoteClass.selector);
        verifier.convict(D2, noFault);
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        bytes memory guilty = verdictOf(0, 1, vote, sharesOf(vote, 4));
        fails(FaultVerifier.WrongVoteClass.selector);
        verifier.reject(guilty);
        bytes memory two = dismissalOf(0, 1, 0, 2);
        fails(FaultVerifier.TooFewVotes.selector);
        verifier.reject(two);
    }

    function test_votes_are_about_the_inputs_of_the_case() public {
        openCase(0, 0, 1);
        pass(1 days);
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        vote.evidenceHash = keccak256("other inputs");
        bytes memory evidence = verdictOf(0, 1, vote, sharesOf(vote, 4));
        fails(FishermanVerifier.WrongEvidence.selector);
        verifier.convict(D2, evidence);
        vote.faultClass = 0;
        evidence = verdictOf(0, 1, vote, sharesOf(vote, 4));
        fails(FishermanVerifier.WrongEvidence.selector);
        verifier.reject(evidence);
    }

    function test_a_dismissal_names_a_fault_of_the_receipt() public {
        openCase(0, 0, 1);
        Digests.TranscodeReceipt memory receipt = accusedReceipt(0, 1);
        for (uint8 c = 16; c <= 20; c++) {
            Digests.ConvictionVote memory vote = voteOf(0, 1);
            vote.faultClass = 0;
            vote.faultId = Digests.faultId(c, node(0), digestOf(receipt));
            bytes memory data = abi.encodeCall(faults.checkDismissal, (0, verdictOf(0, 1, vote, sharesOf(vote, 4))));
            bytes4 got = errorOf(address(faults), data);
            eq(bytes32(got), c >= 17 && c <= 19 ? bytes32(0) : bytes32(FaultVerifier.WrongFaultId.selector), "class");
        }
    }

    function testFuzz_dismissals_say_nothing_or_no_bytes(uint8 said) public view {
        bytes4 got = errorOf(address(faults), abi.encodeCall(faults.checkDismissal, (said, "")));
        isTrue((got == FaultVerifier.UnsupportedClass.selector) == (said != 0 && said != 255), "class");
    }

    function test_the_end_of_a_case_says_whether_it_was_answered() public {
        bytes32 quiet = openCase(0, 0, 1);
        bytes32 answered = openCase(1, 1, 2);
        vm.prank(node(1));
        verifier.answer(answered, keccak256("rebuttal"));
        pass(7 days);
        verifier.expire(quiet);
        verifier.expire(answered);
        isState(quiet, FishermanVerifier.CaseState.Expired, "expired");
        isState(answered, FishermanVerifier.CaseState.Drawn, "drawn");
        eq(token.balanceOf(member(0)) + token.balanceOf(member(1)), 50 * TOKEN, "both bonds back");
    }

    function test_an_accusation_proves_its_leaf() public {
        Digests.TranscodeReceipt memory receipt = accusedReceipt(0, 1);
        bytes memory signature = signReceipt(nodeKeys[0], receipt);
        Digests.Rendition memory leaf = leafOf(0, 2);
        bytes32[] memory path = pathOf(rungHashes(1), 0);
        vm.startPrank(member(0));
        fails(FaultVerifier.NotUnderRoot.selector);
        verifier.open(D2, receipt, signature, leaf, path, VERSION);
        leaf = leafOf(0, 1);
        fails(FaultVerifier.ZeroVerdictVersion.selector);
        verifier.open(D2, receipt, signature, leaf, path, 0);
        vm.stopPrank();
    }

    // --------------------------------------------------------------------------------------------------------------- accused again

    /// @dev A friend of the node accuses it of something that nobody can prove, so that nobody else can accuse it.
    function shams(uint256 salt) internal returns (bytes32 faultId) {
        rungOf[salt] = 1;
        faultId = openCase(3, 0, salt);
        rungOf[salt] = 0;
    }

    function accusedInVain(uint256 opener, uint256 salt, bytes4 selector) internal {
        Digests.TranscodeReceipt memory receipt = accusedReceipt(0, salt);
        bytes memory signature = signReceipt(nodeKeys[0], receipt);
        vm.prank(member(opener));
        fails(selector);
        callOpen(D2, receipt, signature, salt);
    }

    /// @dev Opens about the real inputs and convicts: a whole answer window, a bond of its own, votes about these inputs.
    function convictsAfterSham(uint256 salt) internal {
        uint256 frozen = freezesOf(node(0));
        bytes32 faultId = openCase(0, 0, salt);
        eq(freezesOf(node(0)), frozen + 1, "frozen again");
        FishermanVerifier.Case memory c = verifier.caseOf(faultId);
        eq(c.claimant, member(0), "its own opener");
        eq(c.amount, 25 * TOKEN, "its own bond");
        eq(c.answerUntil, block.timestamp + 1 days, "its own time to answer");
        eq(c.expiresAt, block.timestamp + 7 days, "its own end");
        accusedInVain(1, salt, FishermanVerifier.AlreadyUsed.selector);
        Digests.ConvictionVote memory vote = voteOf(0, salt);
        bytes memory evidence = verdictOf(0, salt, vote, sharesOf(vote, 4));
        fails(FishermanVerifier.AnswerWindowOpen.selector);
        verifier.convict(D2, evidence);
        vm.prank(node(0));
        verifier.answer(faultId, "rebuttal");
        pass(1 days);
        rungOf[salt] = 1;
        bytes memory ofSham = dismissalOf(0, salt, 0, 4);
        rungOf[salt] = 0;
        fails(FishermanVerifier.WrongEvidence.selector);
        verifier.reject(ofSham);
        verifier.convict(D2, evidence);
        isState(faultId, FishermanVerifier.CaseState.Convicted, "convicted");
        eq(freezesOf(node(0)), frozen, "free");
        rungOf[salt] = 2;
        accusedInVain(1, salt, FishermanVerifier.AlreadyUsed.selector);
        rungOf[salt] = 0;
    }

    function freezesOf(address who) internal view returns (uint256 freezes) {
        (, , , freezes) = deposit.accounts(who);
    }

    function test_a_sham_that_is_rejected_shields_no_receipt() public {
        bytes32 faultId = shams(1);
        accusedInVain(0, 1, FishermanVerifier.AlreadyUsed.selector);
        rungOf[1] = 1;
        bytes memory evidence = dismissalOf(0, 1, 0, 3);
        verifier.reject(evidence);
        isState(faultId, FishermanVerifier.CaseState.Rejected, "rejected at once");
        accusedInVain(0, 1, FishermanVerifier.AlreadyAccused.selector);
        rungOf[1] = 0;
        convictsAfterSham(1);
    }

    function test_a_sham_that_is_drawn_or_expires_shields_no_receipt() public {
        bytes32 faultId = shams(1);
        pass(1 days);
        rungOf[1] = 1;
        verifier.draw(dismissalOf(0, 1, 255, 3));
        rungOf[1] = 0;
        isState(faultId, FishermanVerifier.CaseState.Drawn, "drawn");
        convictsAfterSham(1);
        faultId = shams(2);
        accusedInVain(0, 2, FishermanVerifier.AlreadyUsed.selector);
        vm.prank(node(0));
        verifier.answer(faultId, "none of mine");
        accusedInVain(0, 2, FishermanVerifier.AlreadyUsed.selector);
        pass(7 days);
        accusedInVain(0, 2, FishermanVerifier.AlreadyUsed.selector);
        verifier.expire(faultId);
        convictsAfterSham(2);
        faultId = shams(3);
        pass(7 days);
        verifier.expire(faultId);
        isState(faultId, FishermanVerifier.CaseState.Expired, "expired");
        // The statute of the receipt goes on.
        accusedInVain(0, 3, FaultVerifier.StatuteExpired.selector);
    }

    function test_nobody_is_accused_twice_of_the_same() public {
        openCase(0, 0, 1);
        verifier.reject(dismissalOf(0, 1, 0, 3));
        for (uint16 more = 1; more < RUNGS; more++) {
            rungOf[1] = more;
            openCase(1, 0, 1);
            verifier.reject(dismissalOf(0, 1, 0, 3));
            for (uint16 old = 0; old <= more; old++) {
                rungOf[1] = old;
                accusedInVain(2, 1, FishermanVerifier.AlreadyAccused.selector);
            }
        }
    }

    function test_an_overturned_conviction_is_the_last_case_of_its_receipt() public {
        bytes32 faultId = convictNode(0, 0, 1);
        vm.prank(judge);
        oracle.overturn(faultId);
        verifier.appeal(faultId);
        rungOf[1] = 1;
        accusedInVain(1, 1, FishermanVerifier.AlreadyUsed.selector);
    }

    // ---------------------------------------------------------------------------------------------------------------------- exits

    function asksToLeave(address who) internal returns (uint64 exitAt) {
        vm.prank(who);
        registry.requestExit();
        (, , exitAt) = registry.accounts(who);
    }

    /// @dev The appeal is filed in the last moment, the oracle decides in its last, and the signer who left at once still pays.
    function test_who_signed_leaves_when_nothing_can_be_overturned_any_more() public {
        bytes32 faultId = convictNode(0, 0, 1);
        eq(verifier.lastVerdictAt(), block.timestamp, "noted");
        uint256 convictedAt = block.timestamp;
        eq(asksToLeave(member(3)), convictedAt + 35 days, "two appeal windows and a case");
        pass(14 days - 1);
        appeals(faultId);
        pass(14 days);
        vm.prank(member(3));
        fails(FishermanRegistry.ExitNotOver.selector);
        registry.withdraw();
        vm.prank(judge);
        oracle.overturn(faultId);
        verifier.appeal(faultId);
        pass(7 days);
        vm.prank(member(3));
        fails(FishermanRegistry.ExitNotOver.selector);
        registry.withdraw();
        verifier.penaliseSigners(faultId, membersUpTo(4));
        eq(token.balanceOf(treasury), 4000 * TOKEN, "all four bonds");
        pass(1);
        vm.prank(member(3));
        registry.withdraw();
        eq(token.balanceOf(member(3)), 0, "nothing is left of it");
    }

    function test_exits_wait_only_for_convictions_that_may_be_theirs() public {
        eq(verifier.bondsNeededUntil(), 35 days, "no conviction so far");
        uint256 start = block.timestamp;
        eq(asksToLeave(member(3)), start + 21 days, "before any conviction");
        bytes32 faultId = openCase(0, 0, 1);
        pass(1 days);
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        verifier.convict(D2, verdictOf(0, 1, vote, sharesOf(vote, 3)));
        isState(faultId, FishermanVerifier.CaseState.Convicted, "by the three that stayed");
        uint256 convictedAt = block.timestamp;
        (, , uint64 exitAt) = registry.accounts(member(3));
        eq(exitAt, start + 21 days, "a later conviction is not theirs");
        pass(14 days - 1);
        eq(asksToLeave(member(2)), convictedAt + 35 days, "held");
        pass(1);
        eq(asksToLeave(member(1)), convictedAt + 35 days, "the edge: both are one");
        pass(1);
        eq(asksToLeave(member(0)), convictedAt + 14 days + 1 + 21 days, "nothing to wait for");
    }

    /// @dev Proofs of O classes have no signers, and a case that convicts nobody has none that could pay.
    function test_no_other_outcome_holds_an_exit() public {
        proveBy(finder, 0, 9);
        openCase(0, 0, 1);
        verifier.reject(dismissalOf(0, 1, 0, 3));
        eq(verifier.lastVerdictAt(), 0, "no conviction by votes");
        eq(asksToLeave(member(3)), block.timestamp + 21 days, "not held");
    }

    // -------------------------------------------------------------------------------------------------------------------- appeal

    function appeals(bytes32 faultId) internal {
        give(appellant, 25 * TOKEN);
        vm.startPrank(appellant);
        token.approve(address(verifier), 25 * TOKEN);
        verifier.fileAppeal(faultId, keccak256("frame 7"));
        vm.stopPrank();
    }

    function test_an_appeal_makes_the_money_wait_one_more_window() public {
        bytes32 faultId = convictNode(0, 0, 1);
        pass(14 days - 1);
        appeals(faultId);
        pass(14 days);
        fails(FishermanVerifier.AppealWindowOpen.selector);
        verifier.settle(faultId);
        fails(FishermanVerifier.AlreadyAppealed.selector);
        verifier.fileAppeal(faultId, 0);
        pass(1);
        verifier.settle(faultId);
        eq(token.balanceOf(treasury), 25 * TOKEN + 9 * TOKEN, "bond of the appeal, and nine tenths");
        eq(token.balanceOf(appellant), 0, "lost");
    }

    function test_an_appeal_is_filed_in_time_and_with_its_bond() public {
        bytes32 faultId = convictNode(0, 0, 1);
        vm.prank(appellant);
        vm.expectRevert();
        verifier.fileAppeal(faultId, 0);
        fails(FishermanVerifier.NotConvicted.selector);
        verifier.fileAppeal(keccak256("unknown"), 0);
        pass(14 days);
        fails(FishermanVerifier.AppealWindowOver.selector);
        verifier.fileAppeal(faultId, 0);
    }

    function test_an_upheld_conviction_waits_no_longer() public {
        bytes32 faultId = convictNode(0, 0, 1);
        vm.prank(judge);
        oracle.uphold(faultId);
        fails(FishermanVerifier.AppealWindowOpen.selector);
        verifier.settle(faultId);
        appeals(faultId);
        verifier.settle(faultId);
        eq(token.balanceOf(appellant), 0, "lost");
    }

    function test_a_right_appeal_gives_everything_back_and_the_signers_pay() public {
        bytes32 faultId = convictNode(0, 0, 1);
        appeals(faultId);
        address[] memory signers = membersUpTo(4);
        fails(FishermanVerifier.NotConvicted.selector);
        verifier.penaliseSigners(faultId, signers);
        vm.prank(judge);
        oracle.overturn(faultId);
        verifier.appeal(faultId);
        eq(token.balanceOf(node(0)), 10 * TOKEN, "whole");
        eq(token.balanceOf(appellant), 25 * TOKEN, "bond back");
        fails(FishermanVerifier.WrongSigners.selector);
        verifier.penaliseSigners(faultId, membersUpTo(3));
        verifier.penaliseSigners(faultId, signers);
        eq(token.balanceOf(node(0)), 10 * TOKEN, "it was whole already");
        eq(token.balanceOf(treasury), 4000 * TOKEN, "all four bonds");
        eq(registry.totalWeight(), 0, "no weight left");
        fails(FishermanVerifier.WrongSigners.selector);
        verifier.penaliseSigners(faultId, signers);
    }

    function test_signers_make_the_node_whole_when_the_money_is_gone() public {
        bytes32 faultId = convictNode(0, 0, 1);
        pass(14 days);
        verifier.settle(faultId);
        fails(FishermanVerifier.NotOverturned.selector);
        verifier.penaliseSigners(faultId, membersUpTo(4));
        vm.prank(judge);
        oracle.overturn(faultId);
        verifier.penaliseSigners(faultId, membersUpTo(4));
        eq(token.balanceOf(node(0)), 10 * TOKEN, "whole, out of their bonds");
        eq(token.balanceOf(treasury), 9 * TOKEN + 3990 * TOKEN, "the rest");
        isTrue(!verifier.isConvicted(faultId), "overturned");
    }

    function test_an_o_class_has_no_signers() public {
        bytes32 faultId = proveBy(finder, 0, 1);
        vm.prank(judge);
        oracle.overturn(faultId);
        verifier.appeal(faultId);
        fails(FishermanVerifier.WrongSigners.selector);
        verifier.penaliseSigners(faultId, new address[](0));
    }

    // ---------------------------------------------------------------------------------------------------------------- heartbeats

    function test_a_head_only_grows() public {
        vm.startPrank(member(0));
        registry.anchorHead(1, 10, "a");
        fails(FishermanRegistry.HeadNotGrown.selector);
        registry.anchorHead(1, 10, "b");
        fails(FishermanRegistry.HeadNotGrown.selector);
        registry.anchorHead(0, 99, "b");
        registry.anchorHead(1, 11, "b");
        registry.anchorHead(2, 1, "c");
        vm.stopPrank();
        eq(registry.headOf(member(0)).root, "c", "root");
        fails(FishermanRegistry.NotRegistered.selector);
        registry.anchorHead(1, 1, "x");
    }

    function test_silence_takes_the_weight_and_a_heartbeat_brings_it_back() public {
        vm.prank(member(0));
        registry.anchorHead(1, 1, "a");
        pass(3 days);
        fails(FishermanRegistry.NotSilent.selector);
        registry.markSilent(member(0));
        pass(1);
        registry.markSilent(member(0));
        eq(registry.totalWeight(), 3000 * TOKEN, "out of the denominator");
        eq(registry.activeWeightOf(member(0)), 0, "no vote");
        fails(FishermanRegistry.NotSilent.selector);
        registry.markSilent(member(0));
        vm.prank(member(0));
        registry.anchorHead(1, 2, "b");
        pass(119);
        eq(registry.totalWeight(), 3000 * TOKEN, "not yet");
        pass(1);
        eq(registry.totalWeight(), 4000 * TOKEN, "counts again");
        eq(registry.activeWeightOf(member(0)), 1000 * TOKEN, "votes again");
    }

    function test_registering_counts_as_seen() public {
        join(address(0x9999), 250 * TOKEN);
        pass(3 days);
        fails(FishermanRegistry.NotSilent.selector);
        registry.markSilent(address(0x9999));
        fails(FishermanRegistry.NotSilent.selector);
        registry.markSilent(stranger);
    }

    function test_a_silent_member_that_leaves_is_not_counted_twice() public {
        vm.warp(block.timestamp + 3 days + 1);
        registry.markSilent(member(0));
        vm.prank(member(0));
        registry.requestExit();
        eq(registry.totalWeight(), 3000 * TOKEN, "once");
        vm.prank(member(0));
        registry.anchorHead(1, 1, "a");
        pass(1 days);
        eq(registry.totalWeight(), 3000 * TOKEN, "a leaving member does not come back");
        pass(21 days);
        vm.prank(member(0));
        registry.withdraw();
        eq(token.balanceOf(member(0)), 1000 * TOKEN, "bond back");
    }

    // -------------------------------------------------------------------------------------------------------------- seven rounds

    function test_a_tenth_in_any_seven_rounds() public {
        vm.prank(governor);
        verifier.announce("dailyCap", 100_000 * TOKEN);
        pass(7 days);
        verifier.applyChange("dailyCap");
        uint256 first = FIRST_ROUND + 20;
        toRound(first);
        uint256 salt;
        uint256 taken;
        for (uint256 r = 0; r < 7; r++) {
            toRound(first + r);
            uint256 ofRound;
            uint256 stake = deposit.stakeOf(node(0));
            for (uint256 i = 0; i < 3; i++) ofRound += verifier.caseOf(proveBy(finder, 0, ++salt)).amount;
            eq(ofRound, r < 2 ? stake / 20 : 0, "5 % twice, then nothing");
            taken += ofRound;
        }
        atMost(taken, 100 * TOKEN, "a tenth");
        toRound(first + 7);
        uint256 left = deposit.stakeOf(node(0));
        eq(verifier.caseOf(proveBy(finder, 0, ++salt)).amount, (left * 3) / 100, "the first round is forgotten");
        eq(verifier.caseOf(proveBy(finder, 0, ++salt)).amount, (left * 2) / 100, "up to its 5 %");
        eq(verifier.caseOf(proveBy(finder, 0, ++salt)).amount, 0, "no more");
    }

    function testFuzz_no_seven_rounds_take_more_than_a_tenth(uint256 seed) public {
        vm.prank(governor);
        verifier.announce("dailyCap", 100_000 * TOKEN);
        pass(7 days);
        verifier.applyChange("dailyCap");
        uint256 first = FIRST_ROUND + 20;
        uint256[20] memory shares;
        for (uint256 r = 0; r < 20; r++) {
            toRound(first + r);
            uint256 stake = deposit.stakeOf(node(0));
            uint256 proofs = uint256(keccak256(abi.encode(seed, r))) % 4;
            for (uint256 i = 0; i < proofs; i++) shares[r] += verifier.caseOf(proveBy(finder, 0, r * 10 + i)).amount;
            shares[r] = (shares[r] * 1_000_000) / stake;
            uint256 sum;
            for (uint256 j = r < 6 ? 0 : r - 6; j <= r; j++) sum += shares[j];
            atMost(sum, 100_000, "a tenth of seven rounds");
        }
    }
}
