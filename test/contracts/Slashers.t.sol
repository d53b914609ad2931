// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DoubleBondingManager, DoubleController, DoubleMinter} from "contracts/doubles/Livepeer.sol";
import {ISlasher} from "contracts/ISlasher.sol";
import {LivepeerBondSlasher, OnlyVerifier} from "contracts/Slashers.sol";
import {Court} from "./Court.sol";

/// @title LivepeerBondSlasher against the behaviours that were measured on the real BondingManager
contract SlashersTest is Court {
    DoubleController internal controller;
    DoubleBondingManager internal manager;
    LivepeerBondSlasher internal slasher;
    address internal finder = address(0xf1);

    function setUp() public override {
        super.setUp();
        controller = new DoubleController();
        manager = new DoubleBondingManager(controller, token);
        slasher = new LivepeerBondSlasher(controller, token, address(verifier));
        controller.setContract("BondingManager", address(manager));
        controller.setContract("Verifier", address(slasher));
        manager.setBurnerRole(true);
        bondTo(node(0), node(0), 1000 * TOKEN);
        vm.prank(governor);
        verifier.announce("objectiveSlasher", uint160(address(slasher)));
        pass(7 days);
        verifier.applyChange("objectiveSlasher");
    }

    function bondTo(address who, address to, uint256 amount) internal {
        give(who, amount);
        vm.startPrank(who);
        token.approve(address(manager), amount);
        manager.bond(amount, to);
        vm.stopPrank();
    }

    function test_a_proof_seizes_the_own_bond_and_burns_nothing() public {
        uint256 supply = token.totalSupply();
        bytes32 faultId = proveBy(finder, 0, 1);
        eq(verifier.caseOf(faultId).amount, 30 * TOKEN, "3 %");
        eq(manager.bonded(node(0)), 970 * TOKEN, "left");
        eq(token.balanceOf(address(verifier)), 30 * TOKEN, "in escrow");
        eq(token.balanceOf(address(slasher)), 0, "nothing stays with the adapter");
        eq(token.totalSupply(), supply, "nothing burned");
        eq(token.balanceOf(address(0xdead)), 0, "nothing burned");
        eq(deposit.stakeOf(node(0)), 1000 * TOKEN, "the deposit is another stake");
    }

    function test_without_the_burner_role_the_proof_waits() public {
        manager.setBurnerRole(false);
        (bytes memory evidence, bytes32 faultId) = passThroughOf(0, 1);
        vm.prank(finder);
        verifier.commit(commitmentOf(finder, faultId, 0));
        pass(5);
        vm.prank(finder);
        fails(DoubleMinter.MissingBurnerRole.selector);
        verifier.reveal(3, evidence, 0);
        manager.setBurnerRole(true);
        vm.prank(finder);
        verifier.reveal(3, evidence, 0);
        eq(verifier.caseOf(faultId).amount, 30 * TOKEN, "later");
    }

    function test_an_unregistered_verifier_takes_nothing() public {
        controller.setContract("Verifier", address(0));
        (bytes memory evidence, bytes32 faultId) = passThroughOf(0, 1);
        vm.prank(finder);
        verifier.commit(commitmentOf(finder, faultId, 0));
        pass(5);
        vm.prank(finder);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "caller must be Verifier"));
        verifier.reveal(3, evidence, 0);
    }

    function test_unbond_before_the_proof_leaves_nothing_and_the_conviction_stands() public {
        vm.prank(node(0));
        manager.unbond(1000 * TOKEN);
        bytes32 faultId = proveBy(finder, 0, 1);
        eq(verifier.caseOf(faultId).amount, 0, "evaded");
        isTrue(verifier.isConvicted(faultId), "but convicted");
    }

    function test_transfer_bond_before_the_proof_leaves_nothing() public {
        vm.prank(node(0));
        manager.transferBond(address(0xbad), 1000 * TOKEN);
        bytes32 faultId = proveBy(finder, 0, 1);
        eq(verifier.caseOf(faultId).amount, 0, "evaded");
        eq(manager.bonded(address(0xbad)), 1000 * TOKEN, "the sybil is not touched");
    }

    function test_a_plain_delegator_is_never_slashed() public {
        bondTo(node(1), node(0), 500 * TOKEN);
        eq(slasher.stakeOf(node(1)), 0, "no stake here");
        bytes32 faultId = proveBy(finder, 1, 1);
        eq(verifier.caseOf(faultId).amount, 0, "nothing");
        eq(manager.bonded(node(1)), 500 * TOKEN, "untouched");
    }

    function test_delegators_of_the_node_are_not_touched() public {
        bondTo(address(0xde1), node(0), 500 * TOKEN);
        proveBy(finder, 0, 1);
        eq(manager.bonded(address(0xde1)), 500 * TOKEN, "delegator");
        eq(manager.bonded(node(0)), 970 * TOKEN, "only the own bond counts");
    }

    function test_a_wei_bonded_after_the_slash_is_a_stake_of_a_wei() public {
        toRound(FIRST_ROUND + 30);
        proveBy(finder, 0, 1);
        isTrue(!manager.inPool(node(0)), "kicked");
        bondTo(stranger, node(0), 1);
        isTrue(manager.inPool(node(0)), "and back: that is no jail");
        eq(slasher.stakeOf(node(0)), 970 * TOKEN, "what can be taken is its own bond only");
        eq(verifier.caseOf(proveBy(finder, 0, 2)).amount / TOKEN, 19, "the round's cap goes on");
    }

    function test_a_lock_is_out_of_reach() public {
        vm.prank(node(0));
        manager.unbond(990 * TOKEN);
        eq(verifier.caseOf(proveBy(finder, 0, 1)).amount, 0, "3 % of the last 10 is below the minimum");
        (uint256 locked, ) = manager.locks(node(0));
        eq(locked, 990 * TOKEN, "untouched");
    }

    function test_only_the_verifier_takes() public {
        vm.prank(governor);
        fails(OnlyVerifier.selector);
        slasher.take(node(0), 1);
    }

    function testFuzz_take_never_reverts_and_never_exceeds(uint256 bonded, uint256 amount) public {
        bonded = bound(bonded, 1, 1e30);
        bondTo(node(2), node(2), bonded);
        vm.prank(address(verifier));
        uint256 taken = slasher.take(node(2), amount);
        atMost(taken, amount, "more than asked");
        atMost(taken, bonded / 10, "more than a tenth");
        eq(manager.bonded(node(2)), bonded - taken, "moved");
        eq(token.balanceOf(address(verifier)), taken, "to the verifier");
    }

    function test_the_adapter_never_asks_for_more_than_a_tenth() public {
        vm.prank(address(verifier));
        eq(slasher.take(node(0), type(uint256).max), 100 * TOKEN, "a tenth");
    }

    function test_the_round_cap_holds_for_bonds_too() public {
        toRound(FIRST_ROUND + 30);
        eq(verifier.caseOf(proveBy(finder, 0, 1)).amount, 30 * TOKEN, "3 %");
        // Livepeer counts in whole ppm of what is left, so a little less than the cap comes.
        uint256 second = verifier.caseOf(proveBy(finder, 0, 2)).amount;
        atMost(second, 20 * TOKEN, "up to 5 %");
        atMost(20 * TOKEN - TOKEN / 1000, second, "and hardly less");
        eq(verifier.caseOf(proveBy(finder, 0, 3)).amount, 0, "no more");
    }
}
